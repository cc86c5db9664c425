import { jest } from '@jest/globals';
import { runCli } from '../../../lib/cli/run-cli.js';

const COMMANDS = [
  'list',
  'log',
  'hold place',
  'hold release',
  'hold list',
  'erase',
  'erasures',
  'restore',
  'purge',
  'status',
  'doctor',
  'policy',
  'archive',
];
/** Those that tell with a code of its own that somebody has to look. */
const ASKING = ['hold list', 'erase', 'erasures', 'restore', 'purge', 'status'];
/** Those of every command. */
const COMMON = ['--config <path>', '--context-name <name>', '--json', '--help'];

describe(runCli.name, () => {
  let printed: string;
  beforeEach(() => {
    printed = '';
    jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
  });
  afterEach(() => jest.restoreAllMocks());

  const help = async (...args: string[]) => {
    printed = '';
    await expect(runCli([...args, '--help'])).resolves.toBe(0);
    return printed;
  };
  /** The names and the descriptions of a section, whose long lines go on below their descriptions. */
  const section = (text: string, title: string): [string, string][] => {
    const [, lines = ''] = new RegExp(`^${title}:\n((?:  .*\n?)*)`, 'm').exec(text) ?? [];
    return [...lines.replaceAll(/\n {6,}/g, ' ').matchAll(/^  (\S.*?)(?:  +(.*))?$/gm)].map(([, name, about = '']) => [
      name!,
      about,
    ]);
  };

  it('lists all commands and says what each is for', async () => {
    const text = await help();
    expect(text).toMatch(/^Usage: soft-delete \[options\] \[command\]\n\nLists and restores soft-deleted rows, /);
    const described = [...section(text, 'Commands'), ...section(await help('hold'), 'Commands')];
    expect(described.map(([usage, about]) => [usage.split(' ')[0], about.length > 20])).toEqual(
      expect.arrayContaining(
        [...new Set([...COMMANDS.map((name) => name.split(' ').at(-1)), 'hold'])].map((name) => [name, true]),
      ),
    );
    expect(section(text, 'Options')).toEqual([
      ['--version', 'print the version'],
      ['--help', 'print this help'],
    ]);
  });

  it.each(COMMANDS)(
    'explains %s: its arguments, its flags, examples that use these, and what it exits with',
    async (name) => {
      const text = await help(...name.split(' '));
      const [, usage = '', description = ''] = /^Usage: soft-delete (.*)\n\n((?:.+\n)+)/.exec(text) ?? [];
      expect(usage.startsWith(`${name} [options]`)).toBe(true);
      expect(description.trim().length).toBeGreaterThan(20);
      const named = [...usage.matchAll(/[<[]([\w-]+)(?:\.\.\.)?[\]>]/g)].map(([, each]) => each!);
      expect(section(text, 'Arguments').map(([each]) => each)).toEqual(named.filter((each) => each !== 'options'));
      const options = section(text, 'Options');
      expect(options.map(([flag]) => flag)).toEqual(expect.arrayContaining(COMMON));
      for (const [what, about] of [...section(text, 'Arguments'), ...options]) {
        expect([what, about.length > 5]).toEqual([what, true]);
      }
      const examples = /^Examples:\n((?:  .*\n)+)/m.exec(text)![1]!.split('\n').slice(0, -1);
      for (const example of examples) {
        expect(example.startsWith(`  soft-delete ${name}`)).toBe(true);
        const flags = [...example.matchAll(/ (--[a-z-]+)/g)].map(([, flag]) => flag!);
        expect(options.map(([flag]) => flag.split(' ')[0])).toEqual(expect.arrayContaining(flags));
      }
      const codes = section(text, 'Exits with');
      expect(codes.map(([code]) => code)).toEqual(['0', '1', ...(ASKING.includes(name) ? ['2'] : [])]);
      expect(codes.every(([, meaning]) => meaning.length > 10)).toBe(true);
    },
  );
});
