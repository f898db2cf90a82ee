import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Whether the node is left to Docker, in a file, so that a restart does not bring Fairway's rules back. */
export class Handover {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether it was left to Docker, by an earlier process perhaps. */
  async isRemembered(): Promise<boolean> {
    return access(this.#path).then(
      () => true,
      () => false,
    );
  }

  async remember(handedOver: boolean): Promise<void> {
    if (!handedOver) return rm(this.#path, { force: true });
    await mkdir(dirname(this.#path), { recursive: true });
    await writeFile(this.#path, 'left to Docker by fairway uninstall; fairway install takes the node back\n');
  }
}
