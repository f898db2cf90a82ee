/** So many texts are remembered, and none longer than this: 4 MiB for each reader at most. */
const textsMax = 256;
const lengthMax = 16_384;

/**
 * A reader that gives what it gave for the same text lately, without parsing it again: a decider reads an entry before it
 * changes it, and once more when it hears what others or itself have written. What it gives is shared: nobody may change it.
 * What cannot be read is read, and refused, each time.
 */
export function remembering<Value>(read: (key: string, text: string) => Value): (key: string, text: string) => Value {
  const held = new Map<string, Value>();
  return (key, text) => {
    const known = held.get(text);
    const value = known ?? read(key, text);
    if (text.length > lengthMax) return value;
    // What was read last goes last.
    held.delete(text);
    held.set(text, value);
    if (held.size > textsMax) held.delete(held.keys().next().value ?? '');
    return value;
  };
}
