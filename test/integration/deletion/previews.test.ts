import type { EventArgs, EventSubscriber, FlushEventArgs } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import {
  type DeletionPreview,
  DeletionRestrictedError,
  RestoreConflictError,
  type RestorePreview,
  type SoftDeleteEvent,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { getInstallation } from '../../../lib/installation/installation.js';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { Desk, Folder, Manager, Office, Person, Player, PREVIEWED, Team } from './previewed.entities.js';

const TABLES = [
  'team',
  'player',
  'player_badges',
  'badge',
  'contract',
  'asset',
  'folder',
  'person',
  'office',
  'desk',
] as const;

const MANAGER = '00000000-0000-0000-0000-00000000000a';

let test: TestOrm;
let em: EntityManager;
let events: SoftDeleteEvent[];

beforeAll(async () => {
  test = await createTestOrm(PREVIEWED);
  // A team's captain plays in it: two tables that refer to each other.
  await test.database.query(`
    create function veto() returns trigger language plpgsql as $$ begin raise exception 'never: %', old.id; end $$;
    create trigger never before delete on team for each row when (old.name = 'eternal') execute function veto()`);
  getInstallation(test.orm.em).events.stream$.subscribe((event) => events.push(event));
});
afterAll(() => test.close());

beforeEach(async () => {
  await test.database.query(`
    truncate ${TABLES.join(', ')} restart identity cascade;
    insert into team (name, tenant, version) values ('reds', 1, 1), ('blues', 2, 1), ('empty', 1, 1), ('eternal', 1, 1);
    insert into player (shirt, team_id) values (1, 1), (2, 1), (3, 2);
    update team set captain_id = (select min(id) from player where team_id = team.id);
    insert into badge values (1), (2);
    insert into player_badges values (1, 1), (1, 2), (3, 1);
    insert into contract (team_id) values (2);
    insert into asset (id) values (1), (2), (3), (4);
    insert into folder (id, parent_id) values (1, null), (2, 1), (3, 2), (4, 3);
    update folder set parent_id = 4 where id = 1;
    insert into person (id, kind, manager_id) values ('${MANAGER}', 'manager', null), (gen_random_uuid(), 'person', '${MANAGER}');
    update person set manager_id = id where kind = 'manager';
    insert into office (country, number) values ('de', 1), ('de', 2);
    insert into desk (office_country, office_number, place) values ('de', 1, 1), ('de', 1, 2), ('de', 2, 1)`);
  em = fork();
  events = [];
});

const fork = () => test.orm.em.fork() as EntityManager;
const repo = <Entity extends object>(entity: abstract new () => Entity, manager = em) =>
  manager.getRepository(entity as never) as unknown as SoftDeleteRepository<any>;
const sql = (text: string) => test.database.query(text);

/** Every row as it is, with the transaction that wrote it. */
async function everything(): Promise<unknown> {
  const rows: Record<string, unknown> = {};
  for (const table of TABLES) {
    rows[table] = await sql(`select t.*, xmin::text, ctid::text from ${table} as t order by t`);
  }
  return rows;
}

interface Situation {
  readonly entity: abstract new () => object;
  readonly target: unknown;
  readonly options?: object;
  /** What has happened before. */
  readonly before?: () => Promise<unknown>;
  readonly affected: Readonly<Record<string, number>>;
  /** What it is refused for: relations, foreign keys or reasons. */
  readonly refused?: readonly string[];
}

/** What the operation itself says, in the words of its preview. */
async function perform(way: Way, { entity, target, options }: Situation, manager: EntityManager): Promise<unknown> {
  try {
    const result = await repo(entity, manager)[way](target as never, options as never);
    return typeof result === 'number' ? { total: result } : { affected: result.affected, total: result.total };
  } catch (error) {
    if (error instanceof DeletionRestrictedError) {
      return { restrictions: error.restrictions };
    }
    if (error instanceof RestoreConflictError) {
      return { conflicts: error.conflicts };
    }
    throw error;
  }
}

type Way = 'softDelete' | 'restore' | 'hardDelete';
type Preview = Partial<DeletionPreview & RestorePreview>;

async function preview(way: Way, { entity, target, options }: Situation, manager = em): Promise<Preview> {
  return repo(entity, manager)[way](target as never, { ...options, dryRun: true } as never) as Promise<Preview>;
}

const deleteTeam = () => repo(Team, fork()).softDelete(1);
const tenant = { filters: { tenant: { tenant: 1 } } };

const SOFT: Record<string, Situation> = {
  'a key with a cascade and a cycle': { entity: Team, target: 1, affected: { Team: 1, Player: 2 } },
  'an empty target': { entity: Team, target: [], affected: {} },
  'rows that are deleted already': { entity: Team, target: 1, before: deleteTeam, affected: {} },
  'a relation that restricts': {
    entity: Team,
    target: {},
    affected: { Team: 4, Player: 3 },
    refused: ['Team.contracts'],
  },
  "the application's filter": { entity: Team, target: {}, options: tenant, affected: { Team: 3, Player: 2 } },
  'a condition through a relation': {
    entity: Team,
    target: { players: { shirt: 2 } },
    affected: { Team: 1, Player: 2 },
  },
  'a tree in a circle, in a table for each type': { entity: Folder, target: 2, affected: { Asset: 4 } },
  'a hierarchy in one table': { entity: Manager, target: MANAGER, affected: { Person: 2 } },
  'composite keys': { entity: Office, target: [['de', 1]], affected: { Office: 1, Desk: 2 } },
  'a pivot table': { entity: Player, target: [1, 3], affected: { Player: 2 } },
};

const RESTORED: Record<string, Situation> = {
  'a unit with a cycle': { entity: Team, target: 1, before: deleteTeam, affected: { Team: 1, Player: 2 } },
  'active rows': { entity: Team, target: 1, affected: {} },
  'a value that is taken': {
    entity: Team,
    target: 1,
    before: async () => {
      await deleteTeam();
      await sql(`insert into team (name) values ('reds')`);
    },
    affected: { Team: 1, Player: 2 },
    refused: ['unique'],
  },
  'values taken on two tables': {
    entity: Team,
    target: 1,
    before: async () => {
      await deleteTeam();
      await sql(`insert into team (name) values ('reds'); insert into player (shirt, team_id) values (2, 2)`);
    },
    affected: { Team: 1, Player: 2 },
    refused: ['unique', 'unique'],
  },
  'two rows with the same value': {
    entity: Team,
    target: { name: 'reds' },
    before: async () => {
      await deleteTeam();
      await sql(`insert into team (name) values ('reds')`);
      await repo(Team, fork()).softDelete({ name: 'reds' });
    },
    affected: { Team: 2, Player: 2 },
    refused: ['unique'],
  },
  'a deleted parent': {
    entity: Player,
    target: [1, 2],
    before: deleteTeam,
    affected: { Player: 2 },
    refused: ['parent-deleted', 'parent-deleted'],
  },
  'a deleted parent that comes along': {
    entity: Player,
    target: 1,
    options: { withParents: true },
    before: deleteTeam,
    affected: { Player: 1, Team: 1 },
  },
  'a deleted parent that comes along and whose value is taken': {
    entity: Player,
    target: 1,
    options: { withParents: true },
    before: async () => {
      await deleteTeam();
      await sql(`insert into team (name) values ('reds')`);
    },
    affected: { Player: 1, Team: 1 },
    refused: ['unique'],
  },
  'a tree in a circle, in a table for each type': {
    entity: Folder,
    target: 1,
    before: () => repo(Folder, fork()).softDelete(1),
    affected: { Asset: 4 },
  },
  'a hierarchy in one table': {
    entity: Person,
    target: MANAGER,
    before: () => repo(Manager, fork()).softDelete(MANAGER),
    affected: { Person: 2 },
  },
  'composite keys': {
    entity: Office,
    target: { country: 'de', number: 1 },
    before: () => repo(Office, fork()).softDelete({}),
    affected: { Office: 1, Desk: 2 },
  },
  'a composite key behind another': {
    entity: Desk,
    target: { place: 1 },
    before: () => repo(Office, fork()).softDelete({}),
    affected: { Desk: 2 },
    refused: ['parent-deleted', 'parent-deleted'],
  },
};

const REMOVED: Record<string, Situation> = {
  'a cascade with a cycle and links': { entity: Team, target: 1, affected: { Team: 1, Player: 2 } },
  'a deleted row': { entity: Team, target: 1, before: deleteTeam, affected: { Team: 1, Player: 2 } },
  'rows that others reference': {
    entity: Team,
    target: [1, 2],
    affected: { Team: 2, Player: 3 },
    refused: ['contract_team_id_foreign'],
  },
  'a row that its own table references': {
    entity: Player,
    target: 1,
    affected: { Player: 1 },
    refused: ['team_captain_id_foreign'],
  },
  "the application's filter": {
    entity: Team,
    target: { name: { $ne: 'eternal' } },
    options: tenant,
    affected: { Team: 2, Player: 2 },
  },
  'a tree in a circle, in a table for each type': { entity: Folder, target: 3, affected: { Asset: 4 } },
  'a hierarchy in one table': { entity: Manager, target: {}, affected: { Person: 2 } },
  'composite keys': { entity: Office, target: { country: 'de' }, affected: { Office: 2, Desk: 3 } },
  nothing: { entity: Team, target: 99, affected: {} },
};

const refusals = ({ restrictions = [], conflicts = [] }: Preview) => [
  ...restrictions.map(({ relation }) => relation),
  ...conflicts.map(({ reason }) => reason),
];

describe.each([
  ['softDelete', SOFT],
  ['restore', RESTORED],
  ['hardDelete', REMOVED],
] as const)('a preview of %s()', (way, situations) => {
  const refusal = way === 'restore' ? 'conflicts' : 'restrictions';

  it.each(Object.entries(situations))('tells what it would do: %s', async (_name, situation) => {
    await situation.before?.();
    // What memory holds must neither change nor matter.
    const loaded = await em.find(situation.entity as never, {}, { filters: false });
    const memory = () =>
      JSON.stringify(loaded, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
    const [rows, known] = [await everything(), memory()];
    events = [];

    const previewed = await preview(way, situation);
    const inside = await em.transactional(async (tx) => {
      const within = await preview(way, situation, tx as EntityManager);
      const [{ count }] = await tx.execute<[{ count: number }]>(
        `select count(*)::int as count from pg_locks where pid = pg_backend_pid() and locktype = 'advisory'`,
      );
      const client = await test.database.connect();
      const free = await client.query(`select 1 from ${TABLES[0]}, ${TABLES[1]} for update nowait`);
      await client.end();
      return { within, count, free: free.rowCount! > 0 };
    });
    test.statements.length = 0;
    await em.flush();

    expect(Object.keys(previewed).toSorted()).toEqual(['affected', refusal, 'total'].toSorted());
    expect(previewed).toMatchObject({ affected: situation.affected });
    expect(previewed.total).toBe(Object.values(situation.affected).reduce((sum, count) => sum + count, 0));
    expect(refusals(previewed)).toEqual(situation.refused ?? []);
    expect(inside).toEqual({ within: previewed, count: 0, free: true });
    expect(test.statements).toEqual([]);
    expect(events).toEqual([]);
    expect(memory()).toBe(known);
    expect(await everything()).toEqual(rows);

    const done = (await perform(way, situation, fork())) as Preview;
    expect(previewed).toMatchObject(done);
    expect(done[refusal] === undefined).toBe(previewed[refusal]!.length === 0);
  });

  it('refuses a dryRun that is not a boolean', async () => {
    const rows = await everything();
    for (const dryRun of ['false', 1, null]) {
      await expect(repo(Team)[way](1, { dryRun } as never)).rejects.toMatchObject({ code: 'SOFT_DELETE_CONFIG' });
    }
    expect(await everything()).toEqual(rows);
  });

  it('tells it of what the caller has done in the same transaction', async () => {
    await em.transactional(async (tx) => {
      await tx.execute(
        `insert into team (id, name, deleted_at) values (9, 'new', ${way === 'restore' ? 'now()' : 'null'})`,
      );
      expect(await preview(way, { entity: Team, target: 9, affected: {} }, tx as EntityManager)).toMatchObject({
        affected: { Team: 1 },
      });
    });
  });

  it('does not flush what is unsaved', async () => {
    const team = em.create(Team, { name: 'unsaved', tenant: 1 } as never);
    em.persist(team);
    const loaded = await em.findOneOrFail(Team, 1, { flushMode: 'commit' });
    loaded.name = 'renamed';
    expect(await preview(way, { entity: Team, target: { name: 'unsaved' }, affected: {} })).toMatchObject({ total: 0 });
    expect(await sql(`select name from team where name in ('unsaved', 'renamed')`)).toEqual([]);
    await em.flush();
    expect(await sql(`select name from team where name in ('unsaved', 'renamed')`)).toHaveLength(2);
  });
});

it('tells by the database whether a trigger objects', async () => {
  await expect(repo(Team).hardDelete(4, { dryRun: true })).rejects.toThrow('never: 4');
  expect(await sql('select from team')).toHaveLength(4);
});

it('counts the same as if nothing refused, however often it is asked', async () => {
  const first = await repo(Team).softDelete({}, { dryRun: true });
  expect(first).toEqual(await repo(Team).softDelete({}, { dryRun: true }));
  expect(first).toEqual({
    affected: { Team: 4, Player: 3 },
    total: 7,
    restrictions: [{ relation: 'Team.contracts', entity: 'Contract', count: 1 }],
  });
});

it('takes no time from the operation itself: both of one transaction carry times of their own', async () => {
  await em.transactional(async (tx) => {
    const teams = repo(Team, tx as EntityManager);
    await teams.softDelete(1);
    await teams.softDelete(3, { dryRun: true });
    await teams.softDelete(3);
  });
  expect(await sql('select distinct deleted_at from team where deleted_at is not null')).toHaveLength(2);
});

describe('in a flush', () => {
  const asked: unknown[] = [];
  class Asking implements EventSubscriber {
    constructor(private readonly ask: (em: EntityManager) => Promise<unknown>) {}

    async beforeFlush({ em }: FlushEventArgs): Promise<void> {
      asked.push(await this.ask(em as EntityManager));
    }

    async onFlush({ em }: FlushEventArgs): Promise<void> {
      asked.push(await this.ask(em as EntityManager));
    }

    async beforeUpdate({ em }: EventArgs<any>): Promise<void> {
      asked.push(await this.ask(em as EntityManager));
    }
  }

  it.each<[string, (em: EntityManager) => Promise<unknown>]>([
    ['a preview', (manager) => repo(Office, manager).softDelete(['de', 1], { dryRun: true })],
    [
      'something that is refused',
      (manager) =>
        repo(Team, manager)
          .softDelete(2)
          .catch((error: Error) => error.name),
    ],
  ])('a listener may ask for %s: what the flush deletes is deleted with all that belongs to it', async (_name, ask) => {
    asked.length = 0;
    const manager = test.orm.em.fork({ freshEventManager: true }) as EntityManager;
    manager.getEventManager().registerSubscriber(new Asking(ask));
    const team = await manager.findOneOrFail(Team, 1, { populate: ['players'] });
    manager.remove(team);
    await manager.flush();
    expect(asked.length).toBeGreaterThanOrEqual(3);
    expect(new Set(asked.map((answer) => JSON.stringify(answer))).size).toBe(1);
    const times = await sql(
      'select deleted_at from team where id = 1 union select deleted_at from player where team_id = 1',
    );
    expect(times).toHaveLength(1);
    expect(times[0].deleted_at).not.toBeNull();
    expect(await sql('select from team where deleted_at is not null')).toHaveLength(1);
    expect(await sql('select from office where deleted_at is not null')).toHaveLength(0);
  });
});
