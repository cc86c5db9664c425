import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './shop.js';

/** The commands of the README's code blocks below a heading, as they are written there. */
export function readmeCommands(heading: string): string[] {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const section = readme.split(/^(?=#{2,3} )/m).find((part) => part.startsWith(`${heading}\n`));
  if (!section) {
    throw new Error(`README.md has no section "${heading}".`);
  }
  return [...section.matchAll(/^```(?:bash|sh)\n([\s\S]*?)^```/gm)].flatMap(([, block]) => commands(block!));
}

/** One command a line, but for lines that end in a backslash. Comments are left to the shell. */
export function commands(text: string): string[] {
  return text
    .split(/(?<!\\)\n/)
    .map((command) => command.trim())
    .filter((command) => command !== '' && !command.startsWith('#'));
}
