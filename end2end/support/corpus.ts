// Words to talk with: a small corpus of many scripts that is part of the project, and fortunes where they are installed
// (Debian: fortunes, fortunes-zh).
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const OWN = join(import.meta.dirname, '../corpus/talk.txt');
const FORTUNES = '/usr/share/games/fortunes';
/** Longest content of a message, in Unicode scalar values. */
export const CONTENT_MAX_CHARS = 8_000;

function split(text: string): string[] {
  return text
    .split(/^%$/m)
    .map((piece) => piece.replaceAll('\r', '').replace(/^\n+/, '').trimEnd())
    // Control characters (overstrikes, colours) are dropped by the server: such a piece would not come back as it went.
    .filter((piece) => piece !== '' && [...piece].length <= CONTENT_MAX_CHARS && !/[\0-\x08\x0b-\x1f\x7f-\x9f]/.test(piece));
}

/** The project's own pieces. */
export const talk: readonly string[] = split(readFileSync(OWN, 'utf8'));

function* fortunes(): Generator<string> {
  if (!existsSync(FORTUNES)) return;
  for (const file of readdirSync(FORTUNES).sort()) {
    if (!file.includes('.')) yield* split(readFileSync(join(FORTUNES, file), 'utf8'));
  }
}

/** `count` pieces of real text, numbered so that each is unlike every other. */
export function bulk(count: number): string[] {
  const pieces = [...talk, ...fortunes()];
  // A stride that shares no factor with the length visits every piece before it repeats one, and mixes the languages.
  const stride = [613, 617, 619].find((prime) => pieces.length % prime !== 0) ?? 1;
  return Array.from({ length: count }, (_, i) => `${i + 1}: ${[...pieces[(i * stride) % pieces.length]].slice(0, 1_000).join('').trimEnd()}`);
}
