/** A dotted version as numbers, most significant first. Whatever follows the dotted numbers is not looked at. */
export type Version = readonly number[];

/** The first dotted number in a program's output, e.g. `Docker version 20.10.24+dfsg1` is [20, 10, 24]. */
export function findVersion(output: string): Version | undefined {
  const dotted = /\d+(?:\.\d+)+/.exec(output)?.[0];
  return dotted?.split('.').map(Number);
}

/** Whether `version` is `least` or later; missing places count as 0. */
export function isAtLeast(version: Version, least: Version): boolean {
  for (let place = 0; place < Math.max(version.length, least.length); place++) {
    const difference = (version[place] ?? 0) - (least[place] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** `2.10.27` */
export function showVersion(version: Version): string {
  return version.join('.');
}
