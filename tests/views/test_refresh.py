"""Refresh from Close: the button in the header."""


def test_without_script_it_leads_back_to_the_page_it_was_asked_on(ops_client):
    answer = ops_client.post("/refresh/", headers={"Referer": "http://testserver/changes/?view=mine"})
    assert (answer.status_code, answer["Location"]) == (303, "http://testserver/changes/?view=mine")


def test_it_leads_to_no_page_of_another_site(ops_client):
    answer = ops_client.post("/refresh/", headers={"Referer": "https://elsewhere.example/"})
    assert (answer.status_code, answer["Location"]) == (303, "/")
