/** Older servers drop settings that they do not know, in silence: several filter subjects, metadata, compression. */
const leastVersion = [2, 10] as const;

/** The server is older than Fairway needs. Waiting does not help, so it is not waited for. */
export class BusTooOld extends Error {
  readonly version: string;
  constructor(server: string, version: string) {
    super(
      `BusTooOld: the nats-server at ${server} is ${version}, and Fairway needs ${leastVersion.join('.')} or later. ` +
        "Debian 14 has 2.15.1, a single program that also runs on Debian 12: npm run dev unpacks it into .tools/; elsewhere install the nats-server package of Debian 14 or the project's own release",
    );
    this.version = version;
  }
}

/** @throws {BusTooOld} */
export function requireVersion(server: string, version: string): void {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const [leastMajor, leastMinor] = leastVersion;
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) throw new BusTooOld(server, version);
}
