/** What is asked of credentials cannot be done. None of these carries a key. */
export abstract class CredentialsFailure extends Error {}

/** A name cannot be a token of a subject. */
export class NameInvalid extends CredentialsFailure {
  constructor(name: string) {
    super(`NameInvalid: ${JSON.stringify(name)} has to be 1 to 64 letters, digits, _ and -`);
  }
}

/** Somebody of this name has credentials already. */
export class NameTaken extends CredentialsFailure {
  constructor(name: string) {
    super(`NameTaken: ${name} has credentials already; rotate them, or revoke them first`);
  }
}

/** Nobody of this name has credentials. */
export class NameUnknown extends CredentialsFailure {
  constructor(name: string, known: readonly string[]) {
    super(`NameUnknown: ${name} has no credentials; these have: ${known.join(', ') || 'nobody'}`);
  }
}

/** Only nodes are promoted and demoted. */
export class NotANode extends CredentialsFailure {
  constructor(name: string, role: string) {
    super(`NotANode: ${name} is a ${role}; only nodes are promoted and demoted`);
  }
}

/** There is no old key to be dropped, or the file that its owner has holds another one. */
export class KeyNotRotated extends CredentialsFailure {
  constructor(name: string) {
    super(`KeyNotRotated: ${name} has one key only; rotate it first, and finish once its owner has the new file`);
  }
}

/** The servers that were named make no cluster. */
export class ServersInvalid extends CredentialsFailure {
  constructor(why: string) {
    super(`ServersInvalid: ${why}`);
  }
}

/** The folder holds no credentials, or others than can be read, or it cannot be written to. */
export class FolderUnusable extends CredentialsFailure {
  constructor(dir: string, why: string, options?: ErrorOptions) {
    super(`FolderUnusable: ${dir}: ${why}`, options);
  }
}

/** A server that was told to read its configuration again did not. What was changed is written down. */
export class ServerUnchanged extends CredentialsFailure {
  constructor(unchanged: readonly string[], elsewhere: readonly string[]) {
    const others =
      elsewhere.length > 0 ? `; these are not here and have to be given their folders: ${elsewhere.join(', ')}` : '';
    super(
      `ServerUnchanged: ${unchanged.join(', ')} did not read the new configuration, and knows whom it knew before; its log tells why. ` +
        `What was asked for is written down: fairway credentials reload has it read again${others}`,
    );
  }
}

/** Another command works in the folder. */
export class FolderBusy extends CredentialsFailure {
  constructor(dir: string, pid: number) {
    super(`FolderBusy: process ${pid} works in ${dir}; try again when it has ended`);
  }
}

/** Certificates could not be made. `said` is openssl's own word. */
export class AuthorityFailed extends CredentialsFailure {
  constructor(said: string, options?: ErrorOptions) {
    super(`AuthorityFailed: ${said}`, options);
  }
}
