import type { EntityManager, Options } from '@mikro-orm/postgresql';
import type { SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { LIBRARY, LIBRARY_INDEXES } from './library.js';
import { createTestOrm, type TestOrm } from './orm.js';

const TABLES = [
  'author',
  'book',
  'chapter',
  'draft',
  'loan',
  'review',
  'note',
  'passport',
  'tag',
  'account',
  'member',
] as const;

/** Much faster than `truncate` where there are only a few rows. */
const EMPTY = [
  'begin',
  "set local session_replication_role = 'replica'",
  ...[...TABLES, 'book_tags'].map((table) => `delete from ${table}`),
  ...TABLES.map((table) => `select setval('${table}_id_seq', 1, false)`),
  'commit',
].join('; ');

type Table = (typeof TABLES)[number];

/** The library in a database of the test file's own, empty before each test. */
export interface Library extends TestOrm {
  /** A fresh entity manager for each test. */
  readonly em: EntityManager;
  fork(): EntityManager;
  repo<Entity extends object>(entity: new () => Entity, em?: EntityManager): SoftDeleteRepository<Entity>;
  rows(table: Table): Promise<any[]>;
  /** Per row, in the order of the keys, whether it is deleted. */
  deleted(table: Table): Promise<boolean[]>;
  /** One author with two books of one chapter each, drafts, a review, a note and a passport; tags on the first book. */
  plant(): Promise<void>;
  /** Every row of every table as it is, with no time of deletion. */
  contents(): Promise<Record<string, unknown[]>>;
}

/** Registers the hooks that a test file needs to work with the library. */
export function useLibrary(options: Partial<Options> = {}): Library {
  const library = {} as { -readonly [name in keyof Library]: Library[name] };

  beforeAll(async () => {
    Object.assign(library, await createTestOrm(LIBRARY, options));
    for (const index of LIBRARY_INDEXES) {
      await library.database.query(index);
    }
  });

  beforeEach(async () => {
    await library.database.query(EMPTY);
    library.em = library.fork();
    library.statements.length = 0;
  });

  afterAll(() => library.close());

  return Object.assign(library, {
    fork: () => library.orm.em.fork() as EntityManager,
    repo: (entity: never, em = library.em) => em.getRepository(entity) as never,
    rows: (table: Table) => library.database.query(`select *, deleted_at::text as time from ${table} order by id`),
    deleted: async (table: Table) =>
      (await library.database.query(`select deleted_at is not null as deleted from ${table} order by id`)).map(
        ({ deleted }) => deleted as boolean,
      ),
    plant: async () => {
      await library.database.query(`
        insert into author (name) values ('Ada'), ('Bob');
        insert into book (title, author_id) values ('one', 1), ('two', 1), ('other', 2);
        insert into chapter (title, book_id) values ('c1', 1), ('c2', 2), ('c3', 3);
        insert into draft (title, author_id) values ('d1', 1), ('d2', 1);
        insert into review (text, author_id) values ('r1', 1);
        insert into note (text, author_id) values ('n1', 1);
        insert into passport (number, author_id) values ('P1', 1);
        insert into tag (name) values ('t1'), ('t2');
        insert into book_tags (book_id, tag_id) values (1, 1), (1, 2)`);
    },
    contents: async () => {
      const [{ contents }] = (await library.database.query(
        `select jsonb_build_object(${[...TABLES, 'book_tags']
          .map((table) => `'${table}', (select jsonb_agg(to_jsonb(t) - 'deleted_at' order by t) from ${table} as t)`)
          .join(', ')}) as contents`,
      )) as [{ contents: Record<string, unknown[]> }];
      return contents;
    },
  });
}
