import { stripVTControlCharacters } from 'node:util';
import { createProgress } from '../../../lib/cli/progress.js';
import type { CliContext } from '../../../lib/cli/cli-context.js';

describe(createProgress.name, () => {
  const { isTTY, write } = process.stderr;
  let written: string;
  let printed: object[];

  beforeEach(() => {
    written = '';
    printed = [];
    process.stderr.write = ((text: string) => {
      written += text;
      return true;
    }) as typeof write;
  });
  afterEach(() => Object.assign(process.stderr, { isTTY, write }));

  const create = (json: boolean, terminal: boolean) => {
    process.stderr.isTTY = terminal;
    return createProgress(
      { json, print: (line: string | object) => printed.push(line as object) } as unknown as CliContext,
      async () => 200,
    );
  };

  it('draws a bar on a terminal, and takes it away at the end', async () => {
    const progress = await create(false, true);
    progress!.update({ entity: 'Post', purged: 50, locked: 0, total: 50, batchRows: 1, batchMs: 1 });
    progress!.end(false);
    expect(stripVTControlCharacters(written)).toMatch(/Post [^\n]+ 25% \| 50\/200 rows/);
    expect(['\u001b[K', '\u001b[0K', '\u001b[2K'].some((erase) => written.includes(erase))).toBe(true);
    expect(printed).toEqual([]);
  });

  it('prints an object a second with --json, and nothing into a file', async () => {
    const json = await create(true, true);
    json!.update({ entity: 'Post', purged: 1, locked: 0, total: 1, batchRows: 1, batchMs: 1 });
    json!.update({ entity: 'Post', purged: 2, locked: 0, total: 2, batchRows: 1, batchMs: 1 });
    json!.end(false);
    expect(printed).toEqual([
      { type: 'progress', entity: 'Post', purged: 1, locked: 0, total: 1, batchRows: 1, batchMs: 1 },
    ]);
    await expect(create(false, false)).resolves.toBeUndefined();
    expect(written).toBe('');
  });
});
