import { defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { runCommand, writeApplication } from '../../support/command.js';
import { type CompiledLibrary, compileLibrary } from '../../support/compiled-library.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const config = (url: string, entities: string) => `
import { defineConfig, defineEntity, p } from '@mikro-orm/postgresql';
import { complianceEntities } from './lib/compliance/compliance-entities.js';
import { softDeletable } from './lib/schema/soft-deletable.decorator.js';
const User = softDeletable(defineEntity({ name: 'User', tableName: 'user', properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() } }));
const Post = softDeletable(defineEntity({ name: 'Post', tableName: 'post', properties: {
  id: p.integer().primary(), part: p.integer().primary(), user: () => p.manyToOne(User).deleteRule('cascade'), deletedAt: p.datetime().columnType('timestamptz').nullable() } }));
export default defineConfig({ clientUrl: '${url}', entities: [User, Post${entities}] });
`;
const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const User = softDeletable(
  defineEntity({ name: 'User', tableName: 'user', properties: { id: p.integer().primary(), deletedAt: deletedAt() } }),
);
const Post = softDeletable(
  defineEntity({
    name: 'Post',
    tableName: 'post',
    properties: {
      id: p.integer().primary(),
      part: p.integer().primary(),
      user: () => p.manyToOne(User).deleteRule('cascade'),
      deletedAt: deletedAt(),
    },
  }),
);

describe('soft-delete hold', () => {
  let library: CompiledLibrary;
  let test: TestOrm;
  const configure = (entities = ', ...complianceEntities()') =>
    writeApplication(library, config(test.database.url, entities));

  beforeAll(async () => {
    library = compileLibrary();
    test = await createTestOrm([User, Post, ...complianceEntities()], {}, false);
    await test.database.query(
      `insert into "user" values (1, null), (2, now()); insert into post values (7, 1, 1, null), (8, 1, 2, null)`,
    );
    configure();
  });
  beforeEach(() =>
    test.database.query('truncate legal_hold, legal_hold_row, deletion_record restart identity cascade'),
  );
  afterAll(async () => {
    await test.close();
    library.remove();
  });

  const run = (...args: string[]) => runCommand(library, args);
  const json = async (...args: string[]) => {
    const { code, out, err } = await run(...args, '--json');
    return { code, err, lines: out.split('\n').flatMap((line) => (line ? [JSON.parse(line)] : [])) };
  };
  const holds = () =>
    test.database.query('select name, reason, placed_by, released_by, release_reason from legal_hold order by id');

  it('is placed, listed and released, with who did so and why', async () => {
    const placed = await run(
      'hold',
      'place',
      'Post',
      '[7,1]',
      '[8,1]',
      '--name',
      'Dispute',
      '--reason',
      'Letter',
      '--actor',
      'ada',
    );
    expect(placed).toMatchObject({ code: 0, err: 'Configuration: ./mikro-orm.config.js\n' });
    expect(placed.out).toMatch(
      /^id  name {5}on {22}placed {6}by {3}review  released  reason\n 1  Dispute  Post \[7,1\], Post \[8,1\]  \d{4}-\d\d-\d\d  ada +Letter\n2 rows and everything below: held\.\n$/,
    );
    expect(await test.database.query(`select action, keys, actor, reason from deletion_record`)).toEqual([
      {
        action: 'held',
        keys: [
          ['7', '1'],
          ['8', '1'],
        ],
        actor: 'ada',
        reason: 'Letter',
      },
    ]);
    await run('hold', 'place', 'User', '1', '--name', 'Audit', '--reason', 'Tax');
    const [all, byUser, byRow, other] = await Promise.all([
      json('hold', 'list'),
      json('hold', 'list', 'User'),
      json('hold', 'list', 'Post', '[7,1]'),
      json('hold', 'list', 'User', '2'),
    ]);
    expect(all.lines).toMatchObject([
      { type: 'hold', id: 2, name: 'Audit', on: [{ entity: 'User', key: 1 }] },
      { id: 1, on: [{ entity: 'Post', key: [7, 1] }, { key: [8, 1] }] },
    ]);
    expect([byUser, byRow, other].map(({ code, lines }) => [code, lines.map(({ id }) => id)])).toEqual([
      [0, [2]],
      [0, [2, 1]],
      [0, []],
    ]);
    const released = await run('hold', 'release', '1', '--reason', 'Settled', '--actor', 'bob');
    expect(released).toMatchObject({ code: 0, out: expect.stringContaining('The hold is released.\n') });
    expect((await json('hold', 'list')).lines.map(({ id }) => id)).toEqual([2]);
    expect((await json('hold', 'list', '--released')).lines.map(({ id }) => id)).toEqual([2, 1]);
    expect(await holds()).toMatchObject([
      { name: 'Dispute', reason: 'Letter', placed_by: 'ada', released_by: 'bob', release_reason: 'Settled' },
      { name: 'Audit' },
    ]);
  });

  it('exits with 2 once the time has come to look at it again', async () => {
    await run('hold', 'place', 'User', '1', '--name', 'a', '--reason', 'b', '--review-at', '2999-01-31');
    expect((await run('hold', 'list')).code).toBe(0);
    await run('hold', 'place', 'User', '2', '--name', 'a', '--reason', 'b', '--review-at', '2020-01-31T10:00:00+02:00');
    const { code, out } = await run('hold', 'list');
    expect(code).toBe(2);
    expect(out).toMatch(/2020-01-31 \(due\)/);
    expect(out).toMatch(/2999-01-31 {2,}/);
    await run('hold', 'release', '2', '--reason', 'c');
    expect((await run('hold', 'list', '--released')).code).toBe(0);
  });

  it.each(['2001-01-01', '3001-01-01'])(
    'asks the database what time it is, and no clock that shows %s',
    async (day) => {
      await run('hold', 'place', 'User', '1', '--name', 'a', '--reason', 'b', '--review-at', '2999-01-31');
      const list = async () => {
        writeApplication(
          library,
          `Date.now = () => Date.parse('${day}');${config(test.database.url, ', ...complianceEntities()')}`,
        );
        const { code, out } = await run('hold', 'list');
        configure();
        return [code, out.includes('(due)')];
      };
      expect(await list()).toEqual([0, false]);
      await run('hold', 'place', 'User', '2', '--name', 'a', '--reason', 'b', '--review-at', '2020-01-31');
      expect(await list()).toEqual([2, true]);
    },
  );

  it.each<[string[], RegExp]>([
    [['place', 'User', '1', '--reason', 'b'], /^error: required option '--name <text>' not specified\n$/],
    [['place', 'User', '1', '--name', ' ', '--reason', 'b'], /^soft-delete: --name: it is empty/],
    [['place', 'User', '99', '--name', 'a', '--reason', 'b'], /there is no User 99: it never existed, or is gone/],
    [['place', 'User', 'x', '--name', 'a', '--reason', 'b'], /"x" is not a key of User/],
    [['place', 'Post', '7', '--name', 'a', '--reason', 'b'], /Its key is composite/],
    [['place', 'Usr', '1', '--name', 'a', '--reason', 'b'], /Did you mean User\?/],
    [
      ['place', 'User', '1', '--name', 'a', '--reason', 'b', '--review-at', 'soon'],
      /--review-at: "soon" is not a date/,
    ],
    [
      ['place', 'User', '1', '--name', 'a', '--reason', 'b', '--review-at', '2026-02-31'],
      /--review-at: "2026-02-31" is not a date/,
    ],
    [['release', '1'], /required option '--reason <text>'/],
    [['release', '1', '--reason', 'b'], /there is no active hold 1/],
    [['release', 'one', '--reason', 'b'], /"one" is not the number of a hold/],
    [['drop', '1'], /unknown command 'drop'/],
  ])('%j is refused with 1 and one clear line, and changes nothing', async (args, message) => {
    const { code, out, err } = await run('hold', ...args);
    expect([code, out]).toEqual([1, '']);
    expect(err.replace(/^Configuration: .*\n/, '')).toMatch(message);
    expect(await holds()).toEqual([]);
  });

  it('says what is missing where nothing is recorded', async () => {
    configure('');
    await expect(run('hold', 'list')).resolves.toMatchObject({
      code: 1,
      err: expect.stringContaining('Add ...complianceEntities()'),
    });
    configure();
  });

  it('has help with examples and exit codes', async () => {
    const { code, out } = await run('hold', 'place', '--help');
    expect(code).toBe(0);
    expect(out).toMatch(/Examples:\n {2}soft-delete hold place Customer 7/);
    expect(out).toMatch(/Exits with:\n {2}0 {2}the hold is placed\n {2}1 /);
    expect((await run('hold', '--help')).out).toMatch(/place .*\n[^]*release [^]*list /);
  });
});
