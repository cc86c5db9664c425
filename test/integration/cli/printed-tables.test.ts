import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { Cascade, defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities, complianceTablesSql, personalData } from 'nestjs-mikro-orm-soft-delete/compliance';
import type { CliCommand } from '../../../lib/cli/cli-command.js';
import { archiveCommand } from '../../../lib/cli/commands/archive.command.js';
import { doctorCommand } from '../../../lib/cli/commands/doctor.command.js';
import { eraseCommand } from '../../../lib/cli/commands/erase.command.js';
import { erasuresCommand } from '../../../lib/cli/commands/erasures.command.js';
import { holdListCommand } from '../../../lib/cli/commands/hold-list.command.js';
import { holdPlaceCommand } from '../../../lib/cli/commands/hold-place.command.js';
import { holdReleaseCommand } from '../../../lib/cli/commands/hold-release.command.js';
import { listCommand } from '../../../lib/cli/commands/list.command.js';
import { logCommand } from '../../../lib/cli/commands/log.command.js';
import { policyCommand } from '../../../lib/cli/commands/policy.command.js';
import { purgeCommand } from '../../../lib/cli/commands/purge.command.js';
import { restoreCommand } from '../../../lib/cli/commands/restore.command.js';
import { statusCommand } from '../../../lib/cli/commands/status.command.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();
const User = softDeletable(
  defineEntity({
    name: 'User',
    tableName: 'user',
    properties: {
      id: p.integer().primary(),
      name: p.text(),
      age: p.integer().nullable(),
      email: p.text(),
      city: p.text().nullable(),
      deletedAt: deletedAt(),
    },
    uniques: [{ properties: ['email'], where: { deletedAt: null } }],
  }),
  { retention: '30d' },
);
const Post = softDeletable(
  defineEntity({
    name: 'Post',
    tableName: 'post',
    properties: {
      tenant: p.integer().primary(),
      id: p.integer().primary(),
      user: () => p.manyToOne(User).nullable().deleteRule('cascade').index(),
      deletedAt: deletedAt(),
    },
  }),
  { retention: 'forever' },
);
const Person = personalData(
  defineEntity({
    name: 'Person',
    tableName: 'person',
    properties: { id: p.integer().primary(), name: p.text().nullable() },
  }),
  { subject: true, fields: { name: null } },
);
const Bill = personalData(
  defineEntity({
    name: 'Bill',
    tableName: 'bill',
    properties: {
      id: p.integer().primary(),
      at: p.datetime(),
      person: () => p.manyToOne(Person),
      street: p.text().nullable(),
      city: p.text().nullable(),
    },
  }),
  { of: 'person', fields: { street: null, city: null }, keep: { for: '10y', from: 'at', ground: 'tax law' } },
);

describe('What a command prints for people', () => {
  let test: TestOrm;
  const { write } = process.stderr;

  beforeAll(async () => {
    test = await createTestOrm([User, Post, Person, Bill, ...complianceEntities()], {}, false);
  });
  afterAll(() => test.close());
  beforeEach(() => {
    process.stderr.write = (() => true) as typeof write;
    return test.database.query(`
      truncate "user", post, person, bill, deletion_record, deletion_archive, legal_hold, legal_hold_row, erasure restart identity cascade;
      insert into "user" (id, name, email, age, deleted_at) values
        (1, 'Ada', 'ada@x', 36, '2026-01-01T10:00:00Z'), (2, 'Bob', 'bob@x', null, '2026-01-02T10:00:00.5Z'), (3, 'Eve', 'ada@x', 7, null);
      insert into post (tenant, id, user_id, deleted_at) values (7, 1, 1, '2026-01-01T10:00:00Z'), (7, 2, null, null);
      insert into person values (1, 'Ada Lovelace'), (2, 'Bob Builder');
      insert into bill values (7, '2030-05-01T12:00:00Z', 1, 'Mews 2', 'London')`);
  });
  afterEach(() => {
    process.stderr.write = write;
  });

  const printed = async (json: boolean, { action }: CliCommand, args: unknown[], flags: object, orm = test.orm) => {
    const lines: (string | object)[] = [];
    const { signal } = new AbortController();
    const print = (line: string | object) => lines.push(line);
    const code = await action(args as never, flags as never, { orm, json, signal, print });
    return [code, ...lines] as const;
  };
  const run = async (command: CliCommand, args: unknown[], flags: object = {}, orm = test.orm) => {
    const [code, ...lines] = await printed(false, command, args, flags, orm);
    return [code, ...lines.flatMap((line) => stripVTControlCharacters(String(line)).split('\n'))];
  };
  /** What is printed for programs, as they read it. */
  const runForPrograms = async (command: CliCommand, args: unknown[], flags: object = {}) => {
    const [code, ...lines] = await printed(true, command, args, flags);
    return [code, ...lines.map((line) => JSON.parse(JSON.stringify(line)))];
  };

  it('list: the key, two texts and the time, and how many there are', async () => {
    expect(await run(listCommand, ['User'], { limit: 50 })).toEqual([
      0,
      'key  name  email  deletedAt',
      '  2  Bob   bob@x  2026-01-02T10:00:00.500Z',
      '  1  Ada   ada@x  2026-01-01T10:00:00.000Z',
      '2 deleted rows.',
    ]);
    expect((await run(listCommand, ['User'], { limit: 1 })).at(-1)).toBe('1 of 2 deleted rows.');
    expect(await run(listCommand, ['Post'], { limit: 1 })).toEqual([
      0,
      'key    deletedAt',
      '[7,1]  2026-01-01T10:00:00.000Z',
      '1 deleted row.',
    ]);
    await test.database.query('delete from post');
    expect(await run(listCommand, ['Post'], { limit: 1 })).toEqual([0, '0 deleted rows.']);
  });

  it('restore: what came back, or what is in the way, by which row', async () => {
    const conflict = [
      2,
      'in the way      entity  key  of',
      'email is taken  User    1    user_email_unique 3',
      'Nothing was restored.',
    ];
    expect(await run(restoreCommand, ['User', ['1']], { dryRun: true })).toEqual(conflict);
    expect(await run(restoreCommand, ['User', ['1']])).toEqual(conflict);
    expect(await run(restoreCommand, ['Post', ['[7,1]']])).toEqual([
      2,
      'in the way             entity  key    of',
      expect.stringMatching(/^its parent is deleted  Post    \[7,1\]  \S+ 1$/),
      'Nothing was restored.',
    ]);
    await test.database.query(`update "user" set email = 'eve@x' where id = 3`);
    const counts = ['entity  rows', 'User       1', 'Post       1'];
    expect(await run(restoreCommand, ['User', ['1']], { dryRun: true })).toEqual([
      0,
      ...counts,
      '2 rows would come back. Nothing was changed.',
    ]);
    expect(await run(restoreCommand, ['User', ['1']])).toEqual([0, ...counts, '2 rows restored.']);
    expect(await run(restoreCommand, ['User', ['2']])).toEqual([0, 'entity  rows', 'User       1', '1 row restored.']);
    expect(await run(restoreCommand, ['User', ['1', '2']])).toEqual([
      0,
      'No deleted row has such a key. Nothing was changed.',
    ]);
  });

  it('log: when, what, how many, who and why, of an entity or a row', async () => {
    await test.database.query(`insert into deletion_record (at, action, entity, count, keys, actor, reason) values
      ('2026-01-01T10:00:00Z', 'deleted', 'User', 2, '[["1"],["2"]]', 'ada', 'Duplicate'),
      ('2026-02-01T10:00:00Z', 'restored', 'User', 1, '[["2"]]', null, null)`);
    const restored = '2026-02-01T10:00:00.000Z  restored     1';
    const deleted = '2026-01-01T10:00:00.000Z  deleted      2  ada    Duplicate';
    expect(await run(logCommand, ['User'], { limit: 50 })).toEqual([
      0,
      'at                        action    rows  actor  reason',
      restored,
      deleted,
      '2 records.',
    ]);
    expect((await run(logCommand, ['User', '1'], { limit: 50 })).slice(2)).toEqual([
      '2026-01-01T10:00:00.000Z  deleted     2  ada    Duplicate',
      '1 record.',
    ]);
    expect((await run(logCommand, ['User', '2'], { limit: 1 })).slice(2)).toEqual([restored.trimEnd(), '1 record.']);
    expect(await run(logCommand, ['Post'], { limit: 50 })).toEqual([0, '0 records.']);
  });

  it('status: what is kept how long, deleted, due, blocked and overdue', async () => {
    await test.database.query(
      `update "user" set deleted_at = now() - interval '40 days' where id = 1; update post set deleted_at = null where id = 1`,
    );
    await test.database.query(`update "user" set deleted_at = now() - interval '32 days 1 hour' where id = 2`);
    expect(await run(statusCommand, [])).toEqual([
      2,
      'entity  kept     deleted  due  blocked  overdue by',
      'Post    forever        0    0        0  –',
      'User    30 days        2    2        1  2 days',
    ]);
    await test.database.query('delete from post');
    expect((await run(statusCommand, []))[0]).toBe(0);
  });

  it('purge: what was removed of each entity, and what blocks', async () => {
    await test.database.query(
      `update "user" set deleted_at = now() - interval '40 days' where deleted_at is not null; update post set deleted_at = null`,
    );
    const rehearsed = await run(purgeCommand, [], { dryRun: true });
    expect(rehearsed).toEqual([
      2,
      'entity  to remove  blocked  failed  locked  held',
      'User            1        1       0       0     0',
      'User:',
      expect.stringMatching(/^ {2}blocked by "?post"? \(post_user_id_foreign\): 1$/),
      '1 row would be removed. Nothing was changed.',
    ]);
    expect(await run(purgeCommand, [], { entity: ['User'] })).toEqual([
      2,
      'entity  removed  blocked  failed  locked  held',
      'User          1        1       0       0     0',
      'User:',
      rehearsed[4],
      expect.stringMatching(/^1 row removed in \d+\.\d s \(completed\)\.$/),
    ]);
    await test.database.query('delete from post');
    expect(await run(purgeCommand, [], {})).toEqual([
      0,
      'entity  removed  blocked  failed  locked  held',
      'User          1        0       0       0     0',
      expect.stringMatching(/^1 row removed in /),
    ]);
  });

  it('hold list: the first rows of a hold and how many more, who placed it, and when it is to be looked at', async () => {
    await test.database.query(`
      insert into legal_hold (name, reason, placed_at, placed_by, review_at, released_at, released_by, release_reason) values
        ('Dispute', 'Letter', '2026-01-01T10:00:00Z', 'ada', '2026-02-01T00:00:00Z', null, null, null),
        ('Audit', 'Tax', '2026-01-02T10:00:00Z', null, '2999-01-31T00:00:00Z', null, null, null),
        ('Old', 'Tax', '2025-01-02T10:00:00Z', null, '2025-02-01T00:00:00Z', '2025-03-01T10:00:00Z', 'bob', 'Settled');
      insert into legal_hold_row (hold, entity, key) select 1, 'User', jsonb_build_array(n::text) from generate_series(1, 5) as n;
      insert into legal_hold_row (hold, entity, key) values (2, 'Post', '["7","2"]'), (2, 'User', '["3"]'), (2, 'User', '["2"]'), (3, 'User', '["1"]')`);
    const old = ['3', 'Old', 'User 1', '2025-01-02', '2025-02-01', '2025-03-01', 'Settled'];
    const audit = ['2', 'Audit', 'Post [7,2], User 2, User 3', '2026-01-02', '2999-01-31', 'Tax'];
    const dispute = [
      '1',
      'Dispute',
      'User 1, User 2, User 3, and 2 more',
      '2026-01-01',
      'ada',
      '2026-02-01 (due)',
      'Letter',
    ];
    const cells = (line: unknown) => String(line).trim().split(/ {2,}/);
    const printed = async (args: string[], flags: object = {}) => {
      const [code, header, ...rest] = await run(holdListCommand, args, flags);
      return [code, cells(header).join(), ...rest.map((line) => cells(line))];
    };
    const header = 'id,name,on,placed,by,review,released,reason';
    expect(await printed([])).toEqual([2, header, audit, dispute, ['2 holds.']]);
    expect(await printed([], { released: true })).toEqual([2, header, old, audit, dispute, ['3 holds.']]);
    expect(await printed(['Post'])).toEqual([0, header, audit, ['1 hold.']]);
    expect(await printed(['User', '3'])).toEqual([2, header, audit, dispute, ['2 holds.']]);
    // A hold covers what lies behind its rows as well.
    expect(await printed(['Post', '[7,1]'])).toEqual([2, header, dispute, ['1 hold.']]);
    expect(await run(holdListCommand, ['Post', '[8,8]'])).toEqual([0, '0 holds.']);
  });

  it('restore: what is in the way of archived rows of the unit', async () => {
    const Shelf = softDeletable(
      defineEntity({
        name: 'Shelf',
        properties: {
          id: p.integer().primary(),
          labels: () => p.oneToMany(Label).mappedBy('shelf').cascade(Cascade.REMOVE),
          deletedAt: deletedAt(),
        },
      }),
    );
    const Label = softDeletable(
      defineEntity({ name: 'Label', properties: { id: p.integer().primary(), shelf: () => p.manyToOne(Shelf) } }),
      { strategy: 'archive' },
    );
    const shelves = await createTestOrm([Shelf, Label, ...complianceEntities()]);
    const restore = (key: string, entity = 'Shelf') => run(restoreCommand, [entity, [key]], {}, shelves.orm);
    try {
      await shelves.database.query('insert into shelf values (1), (2); insert into label values (1, 1), (2, 2)');
      await shelves.orm.em.fork().nativeDelete(Shelf, {});
      await shelves.database.query('insert into shelf values (3); insert into label values (1, 3)');
      const [header, nothing] = ['in the way        entity  key  of', 'Nothing was restored.'];
      expect(await restore('1')).toEqual([2, header, 'its key is taken  Label   1    label_pkey 1', nothing]);
      await shelves.database.query('insert into shelf values (4); insert into label values (4, 4)');
      await shelves.orm.em.fork().nativeDelete(Label, { id: 4 });
      await shelves.database.query('delete from shelf where id = 4');
      expect((await restore('4', 'Label'))[2]).toMatch(/^its parent is gone for good {2}Label {3}4 {4}\S+$/);
      await shelves.database.query(
        'alter table label add column rank int not null default 0; alter table label alter rank drop default',
      );
      expect((await restore('2'))[2]).toMatch(/^the column rank is new, or changed {2}Label {3}2/);
      await shelves.database.query('drop table label');
      expect((await restore('2'))[2]).toMatch(/^its table rejects it {2}Label {3}2/);
    } finally {
      await shelves.close();
    }
  });

  it('purge: what was left alone because far more is due than usual, and what failed', async () => {
    await test.database.query(`
      update "user" set deleted_at = now() - interval '40 days' where deleted_at is not null;
      truncate post;
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'not today'; end $$;
      create trigger refuse before delete on "user" for each row when (old.id = 2) execute function refuse()`);
    try {
      expect(await run(purgeCommand, [], { except: ['Post'], overrideBrake: true })).toEqual([
        2,
        'entity  removed  blocked  failed  locked  held',
        'User          1        0       1       0     0',
        'User:',
        expect.stringMatching(/^ {2}failed 2: .*not today/),
        expect.stringMatching(/^1 row removed in /),
      ]);
    } finally {
      await test.database.query('drop function refuse cascade');
    }
    await test.database.query(
      `insert into "user" (id, name, email, deleted_at) select n, 'x', n, now() - interval '40 days' from generate_series(100, 1300) as n`,
    );
    const left = 'User was skipped: 1202 rows due, but ';
    expect((await run(purgeCommand, [], {})).slice(0, 4)).toEqual([
      2,
      'entity  removed  blocked  failed  locked  held',
      'User          0        0       0       0     0',
      expect.stringMatching(
        new RegExp(`^${left}the brake allows \\d+\\. Check its retention, then run with --override-brake\\.$`),
      ),
    ]);
    expect((await run(purgeCommand, [], { overrideBrake: true }))[2]).toBe(
      'User       1202        0       0       0     0',
    );
  });

  it('status: how many rows there are, and why no run purges those of a view', async () => {
    await test.database.query('alter table "user" rename to users; create view "user" as select * from users');
    try {
      const [code, ...lines] = await run(statusCommand, []);
      expect(code).toBe(2);
      expect(lines).toEqual([
        expect.stringMatching(/^entity +kept +deleted +due +blocked +overdue by$/),
        expect.stringMatching(/^Post +forever +1 +0 +0 +–$/),
        expect.stringMatching(/^User +30 days +2 +2 +0 +\d+ days$/),
        'User is mapped to "user", which is a view: foreign keys lead to other tables for its rows. ' +
          "Map the entity to the table that has the rows, or set its retention to 'forever'.",
      ]);
    } finally {
      await test.database.query('drop view "user"; alter table users rename to "user"');
    }
    expect((await run(statusCommand, [])).at(-1)).toMatch(/^User +30 days/);
  });

  it('prints for programs one object a line, which says what it is', async () => {
    expect(await runForPrograms(listCommand, ['User'], { limit: 1 })).toEqual([
      0,
      { type: 'row', entity: 'User', key: 2, name: 'Bob', email: 'bob@x', deletedAt: '2026-01-02T10:00:00.500Z' },
    ]);
    expect(await runForPrograms(listCommand, ['Post'], { limit: 1 })).toMatchObject([0, { key: [7, 1] }]);
    expect(await runForPrograms(restoreCommand, ['User', ['1']])).toMatchObject([
      2,
      { type: 'restoration', dryRun: false, affected: {}, total: 0, conflicts: [{ reason: 'unique', key: 1 }] },
    ]);
    expect(await runForPrograms(restoreCommand, ['User', ['2']], { dryRun: true })).toEqual([
      0,
      { type: 'restoration', dryRun: true, affected: { User: 1 }, total: 1, conflicts: [] },
    ]);
    expect(await runForPrograms(statusCommand, [])).toMatchObject([
      expect.any(Number),
      { type: 'status', at: expect.stringMatching(/Z$/), entity: 'Post', retention: 'forever' },
      { type: 'status', entity: 'User', retention: 30 * 24 * 3_600_000, deleted: 2 },
    ]);
    await test.database.query(`insert into deletion_record (action, entity, count, keys) values
      ('hard-deleted', 'Post', 1, '[["7","3"]]'), ('deleted', 'Post', 1, null)`);
    expect(await runForPrograms(logCommand, ['Post'], { limit: 50 })).toMatchObject([
      0,
      { type: 'record', action: 'deleted', count: 1 },
      { type: 'record', action: 'hard-deleted', keys: [[7, 3]] },
    ]);
    const placed = { name: 'Case', reason: 'Court', actor: 'ada', reviewAt: new Date('2999-01-31') };
    const hold = {
      type: 'hold',
      id: 1,
      name: 'Case',
      reason: 'Court',
      placedBy: 'ada',
      on: [{ entity: 'Post', key: [7, 1] }],
    };
    expect(await runForPrograms(holdPlaceCommand, ['Post', ['[7,1]']], placed)).toMatchObject([0, hold]);
    expect(await runForPrograms(holdListCommand, [])).toMatchObject([0, hold]);
    expect(await runForPrograms(holdReleaseCommand, ['1'], { reason: 'Settled', actor: 'bob' })).toMatchObject([
      0,
      { ...hold, releasedBy: 'bob', releaseReason: 'Settled' },
    ]);
    expect(await runForPrograms(holdListCommand, [])).toEqual([0]);
    expect(await runForPrograms(holdListCommand, [], { released: true })).toMatchObject([0, { id: 1 }]);

    const subject = { entity: 'Person', key: 1 };
    expect(await runForPrograms(eraseCommand, ['Person', '1'], { plan: true })).toMatchObject([
      2,
      { type: 'plan', subject, outcome: 'partial' },
    ]);
    const requestedAt = new Date('2020-01-31T00:00:00Z');
    expect(await runForPrograms(eraseCommand, ['Person', '1'], { requestedAt })).toMatchObject([
      2,
      { type: 'certificate', subject, requestedAt: requestedAt.toISOString(), onTime: false },
    ]);
    expect(await runForPrograms(erasuresCommand, [])).toMatchObject([
      0,
      { type: 'erasure', subject, state: 'partial', dueAt: '2020-02-29T00:00:00.000Z' },
    ]);
    expect(await runForPrograms(erasuresCommand, [], { export: true })).toMatchObject([
      0,
      { entity: 'Person', key: ['1'], requestedAt: requestedAt.toISOString(), fingerprint: { unique: [] } },
    ]);
  });

  it('erasures: what a file has erased again, whose key is somebody else by now, and what is late', async () => {
    await run(eraseCommand, ['Person', '2'], { requestedAt: new Date('2026-01-31T00:00:00Z') });
    const [, entry] = await printed(false, erasuresCommand, [], { export: true });
    const folder = mkdtempSync(join(tmpdir(), 'soft-delete-erasures-'));
    const file = join(folder, 'erasures.jsonl');
    writeFileSync(file, `${JSON.stringify(entry)}\n\n${JSON.stringify({ ...(entry as object), key: ['9'] })}\n`);
    try {
      const reapply = { reapply: file };
      const header = 'entity  key  outcome';
      await test.database.query(`update person set name = 'Bob Builder' where id = 2`);
      expect(await run(erasuresCommand, [], reapply)).toEqual([
        0,
        header,
        'Person  2    erased',
        'Person  9    gone',
        '2 erasures.',
      ]);
      await test.database.query(`update person set name = 'Eve Else' where id = 2`);
      expect(await run(erasuresCommand, [], reapply)).toEqual([
        2,
        header,
        'Person  2    mismatch',
        'Person  9    gone',
        '2 erasures.',
      ]);
      expect(await runForPrograms(erasuresCommand, [], reapply)).toEqual([
        2,
        { type: 'reapplied', entity: 'Person', key: 2, outcome: 'mismatch' },
        { type: 'reapplied', entity: 'Person', key: 9, outcome: 'gone' },
      ]);
      writeFileSync(file, '\n');
      expect(await run(erasuresCommand, [], reapply)).toEqual([0, '0 erasures.']);
      writeFileSync(file, `${JSON.stringify(entry)}\r\n{"id":`);
      await expect(run(erasuresCommand, [], reapply)).rejects.toThrow(`--reapply: ${file} cannot be read: line 2: `);
    } finally {
      rmSync(folder, { recursive: true });
    }
    await test.database.query(`
      insert into erasure (entity, key, requested_at, due_at) values ('Person', '["1"]', '2020-01-31T00:00:00Z', '2020-02-29T00:00:00Z')`);
    expect(await run(erasuresCommand, [], { due: true })).toEqual([
      2,
      'id  entity  key  state      requested   due                   finished',
      expect.stringMatching(/^ 1  Person  2    partial    2026-01-31  2026-02-28 *$/),
      expect.stringMatching(/^ ?\d  Person  1    requested  2020-01-31  2020-02-29 \(overdue\) *$/),
      '2 erasures.',
    ]);
  });

  it('doctor: each finding with what mends it, how many there are, and whether one is severe enough', async () => {
    const doctor = async () => {
      const findings = (await runForPrograms(doctorCommand, [], { failOn: 'error' })).slice(1);
      const counts = ['error', 'warning', 'info'].map(
        (severity) => findings.filter((finding) => finding.severity === severity).length,
      );
      const [, ...lines] = await run(doctorCommand, [], { failOn: 'error' });
      const codes = await Promise.all(
        ['error', 'warning', 'info'].map(async (failOn) => (await run(doctorCommand, [], { failOn }))[0]),
      );
      return { findings, counts, lines, codes };
    };
    const healthy = await doctor();
    expect(healthy.counts[0]).toBe(0);
    expect(healthy.codes[0]).toBe(0);
    await test.database.query('drop index post_user_id_index; alter table "user" alter deleted_at type date');
    try {
      const { findings, counts, lines, codes } = await doctor();
      expect(findings.every(({ type }) => type === 'finding')).toBe(true);
      expect(counts[0]).toBe(1);
      expect(counts[1]).toBeGreaterThan(0);
      expect(codes).toEqual([1, 1, 1]);
      const [warnings, notes] = counts.slice(1) as [number, number];
      expect(lines.at(-1)).toBe(
        `1 error, ${warnings} warning${warnings === 1 ? '' : 's'}, ${notes} note${notes === 1 ? '' : 's'}.`,
      );
      const { severity, code, entity, problem, fix } = findings.find((finding) => finding.code === 'column-type');
      const shown = [
        `${severity} ${code} ${entity}`,
        `  ${problem}`,
        ...fix.split('\n').map((line: string) => `  ${line}`),
      ];
      expect(lines.join('\n')).toContain(shown.join('\n'));
      await test.database.query('alter table "user" alter deleted_at type timestamptz');
      expect((await doctor()).codes).toEqual([0, 1, 1]);
    } finally {
      await test.database.query(
        'alter table "user" alter deleted_at type timestamptz; create index post_user_id_index on post (user_id)',
      );
    }
    const healthyOrm = await createTestOrm([Person], {}, false);
    expect(await run(doctorCommand, [], { failOn: 'info' }, healthyOrm.orm)).toEqual([0, 'Nothing found.']);
    await healthyOrm.close();
  });

  it('policy: the document, and whether a file says the same, or from which line on it does not', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'soft-delete-policy-'));
    const file = join(folder, 'POLICY.md');
    const check = () => run(policyCommand, [], { check: file });
    try {
      await expect(check()).rejects.toThrow(`There is no file ${file}. Write it: soft-delete policy > ${file}`);
      const [code, ...lines] = await run(policyCommand, [], {});
      expect([code, lines[0]]).toEqual([0, expect.stringMatching(/^# /)]);
      const late = (line: number) => `${file} is out of date from line ${line} on. Update it: soft-delete policy > `;
      writeFileSync(file, `${lines.join('\n')}\n`);
      expect(await check()).toEqual([0, `${file} is up to date.`]);
      expect(await runForPrograms(policyCommand, [], { check: file })).toEqual([
        0,
        { type: 'check', file, upToDate: true },
      ]);
      await expect(run(policyCommand, [], { check: file, retention: '7d' })).resolves.toEqual(await check());
      writeFileSync(file, lines.with(2, 'anything').join('\n'));
      await expect(check()).rejects.toThrow(late(3));
      writeFileSync(file, [...lines, 'anything'].join('\n'));
      await expect(check()).rejects.toThrow(late(lines.length + 1));
      writeFileSync(file, lines.slice(0, 3).join('\n'));
      await expect(check()).rejects.toThrow(late(4));
    } finally {
      rmSync(folder, { recursive: true });
    }
    const policies = await runForPrograms(policyCommand, [], {});
    expect(policies.slice(1).map(({ type, entity, retention }) => [type, entity, retention])).toEqual(
      expect.arrayContaining([
        ['policy', 'User', 2_592_000_000],
        ['policy', 'Post', 'forever'],
      ]),
    );
    expect((await run(policyCommand, [], { mermaid: true }))[1]).toBe('flowchart LR');
  });

  it('archive partitions: how many of each table were added, and which', async () => {
    const months = await createTestOrm([User, Post, ...complianceEntities()], {}, false);
    try {
      for (const sql of complianceTablesSql({ partition: 'month' })) {
        await months.database.query(sql);
      }
      const add = (ahead: number) => run(archiveCommand, ['partitions'], { ahead }, months.orm);
      expect(await add(3)).toEqual([
        0,
        'deletion_record: 0 partitions added.',
        'deletion_archive: 0 partitions added.',
      ]);
      expect(await add(5)).toEqual([
        0,
        expect.stringMatching(
          /^deletion_record: 2 partitions added: deletion_record_\d{4}_\d\d, deletion_record_\d{4}_\d\d\.$/,
        ),
        expect.stringMatching(
          /^deletion_archive: 2 partitions added: deletion_archive_\d{4}_\d\d, deletion_archive_\d{4}_\d\d\.$/,
        ),
      ]);
    } finally {
      await months.close();
    }
  });

  it('erase and erasures: what is left and on what ground, and until when it has to be done', async () => {
    const table = [
      'entity  deleted  overwritten  fields  kept  held',
      'Bill          0            0             1     0',
      'Person        0            1  name       0     0',
      'left  key  ground   until',
      'Bill  7    tax law  2040-05-01',
    ];
    expect(await run(eraseCommand, ['Person', '1'], { plan: true })).toEqual([
      2,
      ...table,
      expect.stringMatching(/^\d columns? would still show values of the person\. Nothing was changed\.$/),
    ]);
    const requestedAt = new Date('2020-01-31T00:00:00Z');
    expect((await run(eraseCommand, ['Person', '1'], { requestedAt, reason: 'Letter' })).slice(0, -1)).toEqual([
      2,
      ...table,
    ]);
    expect((await run(eraseCommand, ['Person', '2'])).at(-1)).toBe(
      'The erasure is completed: 0 columns still show values of the person.',
    );
    const today = new Date().toISOString().slice(0, 10);
    const [code, header, ...rest] = await run(erasuresCommand, []);
    expect([code, header]).toEqual([0, 'id  entity  key  state      requested   due         finished']);
    expect(rest.toSorted()).toEqual([
      expect.stringMatching(/^ 1  Person  1    partial    2020-01-31  2020-02-29 *$/),
      expect.stringMatching(new RegExp(`^ 2  Person  2    completed  ${today}  \\S+  ${today}$`)),
      '2 erasures.',
    ]);
    expect((await run(erasuresCommand, [], { due: true })).slice(2)).toEqual([
      expect.stringMatching(/^ 1  Person  1    partial  2020-01-31  2020-02-29 *$/),
      '1 erasure.',
    ]);
  });
});
