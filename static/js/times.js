// "2 min ago" is true for a minute. The words are those of the filter `ago` in dashboard/templatetags/ui.py; what is
// older than a week carries its date and stays as the server wrote it.

function ago(moment) {
  const minutes = Math.floor((Date.now() - moment.getTime()) / 60_000);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (hours < 24) return `${hours} h ago`;
  if (hours < 48) return "yesterday";
  return hours < 7 * 24 ? `${Math.floor(hours / 24)} d ago` : null;
}

setInterval(() => {
  for (const time of document.querySelectorAll("time.ago")) {
    const words = ago(new Date(time.dateTime));
    if (words && words !== time.textContent) time.textContent = words;
  }
}, 60_000);
