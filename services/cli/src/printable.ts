/**
 * Text that cannot steer a terminal: control characters, which a node's name or a command's error may hold, as `\x1b`.
 * Line breaks and tabs stay.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
