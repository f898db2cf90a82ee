/**
 * Where the compressed kernel is in a kernel image for PCs (Linux's Documentation/arch/x86/boot.rst, protocol 2.08 and
 * later): the setup header gives its place after the real-mode sectors, and its length with 4 bytes at the end that say
 * how long it is uncompressed.
 */
export function findPayload(image: Buffer): { offset: number; length: number } {
  const sector = 512;
  const setupSectors = image.readUInt8(0x1f1) || 4;
  return {
    offset: (setupSectors + 1) * sector + image.readUInt32LE(0x248),
    length: image.readUInt32LE(0x24c) - 4,
  };
}
