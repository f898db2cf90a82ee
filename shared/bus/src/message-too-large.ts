/** The message is larger than the server takes (`max_payload`, 1 MiB unless configured otherwise). It was not sent. */
export class MessageTooLarge extends Error {
  readonly subject: string;
  readonly sizeBytes: number;
  readonly limitBytes: number;
  constructor(subject: string, sizeBytes: number, limitBytes: number) {
    super(`MessageTooLarge: ${subject} has ${sizeBytes} bytes, the server takes ${limitBytes}`);
    this.subject = subject;
    this.sizeBytes = sizeBytes;
    this.limitBytes = limitBytes;
  }
}
