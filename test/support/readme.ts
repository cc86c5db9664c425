import { readFileSync } from 'node:fs';

const readme = new URL('../../README.md', import.meta.url);

/** The commands of the README's code blocks below a heading, as they are written there. */
export function readmeCommands(heading: string): string[] {
  return [...section(heading).matchAll(/^```(?:bash|sh)\n([\s\S]*?)^```/gm)].flatMap(([, block]) => commands(block!));
}

/** The files that the README shows below a heading: the code blocks that begin with a file's name in a comment. */
export function readmeFiles(heading: string): { file: string; text: string }[] {
  const blocks = section(heading).matchAll(/^```\w+\n\/\/ (\S+\.\w+)\n([\s\S]*?)^```/gm);
  return [...blocks].map(([, file, text]) => ({ file: file!, text: text! }));
}

/** One command a line, but for lines that end in a backslash. Comments are left to the shell. */
export function commands(text: string): string[] {
  return text
    .split(/(?<!\\)\n/)
    .map((command) => command.trim())
    .filter((command) => command !== '' && !command.startsWith('#'));
}

function section(heading: string): string {
  const found = readFileSync(readme, 'utf8')
    .split(/^(?=#{2,3} )/m)
    .find((part) => part.startsWith(`${heading}\n`));
  if (found === undefined) {
    throw new Error(`README.md has no section "${heading}".`);
  }
  return found;
}
