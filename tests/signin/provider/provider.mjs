// An OpenID Connect provider of the tests: `node provider.mjs '{"clients": …, "people": …}'` prints its address.
// It is certified, so it holds us to the standard: https://github.com/panva/node-oidc-provider
import { createServer } from "node:http";
import Provider from "oidc-provider";

const { clients, people } = JSON.parse(process.argv[2]);
const claims = { openid: ["sub"], email: ["email"], profile: ["name"], groups: ["groups"] };
const server = createServer().listen(0, "127.0.0.1", () => {
  const address = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(address, {
    claims,
    clients,
    // Groups and names stand in the ID token, as companies have it.
    conformIdTokenClaims: false,
    findAccount: (_, sub) => people[sub] && { accountId: sub, claims: () => ({ sub, ...people[sub] }) },
    pkce: { required: () => true },
    scopes: Object.keys(claims),
  });
  server.on("request", provider.callback());
  console.log(address);
});
// Whoever began it closes this when it ends, however it ends.
process.stdin.resume().on("end", () => process.exit());
