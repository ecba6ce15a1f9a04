// Takes the addresses out of package-lock.json: whoever builds has the packages from where they have them.
import { readFileSync, writeFileSync } from "node:fs";

const place = new URL("package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(place, "utf8"));
for (const each of Object.values(lock.packages)) {
  delete each.resolved;
  delete each.funding;
}
writeFileSync(place, `${JSON.stringify(lock, null, 2)}\n`);
