import type { EntityManager, Options } from '@mikro-orm/postgresql';
import type { SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../support/orm.js';
import { SHOP, TABLES } from './archive.entities.js';

const IDS = TABLES.filter((table) => table !== 'product_labels');

const EMPTY = [
  'begin',
  "set local session_replication_role = 'replica'",
  ...[...TABLES, 'deletion_archive'].map((table) => `delete from ${table}`),
  ...IDS.map((table) => `select setval('${table}_id_seq', 100, false)`),
  'commit',
].join('; ');

/** The shop in a database of the test file's own, empty before each test. */
export interface ShopWorld extends TestOrm {
  readonly em: EntityManager;
  fork(): EntityManager;
  repo<Entity extends object>(entity: new () => Entity, em?: EntityManager): SoftDeleteRepository<Entity>;
  /** Every row of every table as text, a line each. */
  contents(): Promise<Record<string, string[]>>;
  /** What is in the archive, as `part key`. */
  archived(): Promise<string[]>;
  /** Two products in a shop, the first one with one row of everything but a booking. */
  plant(): Promise<void>;
}

/** Registers the hooks that a test file needs to work with the shop. */
export function useShop(options: Partial<Options> = {}): ShopWorld {
  const world = {} as { -readonly [name in keyof ShopWorld]: ShopWorld[name] };

  beforeAll(async () => {
    Object.assign(world, await createTestOrm([...SHOP, ...complianceEntities()], options));
  });

  beforeEach(async () => {
    await world.database.query(EMPTY);
    world.em = world.fork();
    world.statements.length = 0;
  });

  afterAll(() => world.close());

  return Object.assign(world, {
    fork: () => world.orm.em.fork() as EntityManager,
    repo: (entity: never, em = world.em) => em.getRepository(entity) as never,
    contents: async () => {
      const all: Record<string, string[]> = {};
      for (const table of TABLES) {
        const rows = await world.database.query<{ row: string }>(`select t::text as row from ${table} as t order by 1`);
        all[table] = rows.map(({ row }) => row);
      }
      return all;
    },
    archived: async () => {
      const rows = await world.database.query<{ row: string }>(
        `select part || ' ' || key as row from deletion_archive order by 1`,
      );
      return rows.map(({ row }) => row);
    },
    plant: async () => {
      await world.database.query(`
        insert into shop (id, name) values (1, 'Corner');
        insert into product (id, name, sku, shop_id) values (1, 'Bread', 'B-1', 1), (2, 'Milk', 'M-1', 1);
        insert into variant (id, size, product_id) values (1, 'small', 1), (2, 'large', 1), (3, 'litre', 2);
        insert into remark (id, text, product_id) values (1, 'fresh', 1);
        insert into bookmark (id, product_id) values (1, 1), (2, 2);
        insert into offer (id, product_id) values (1, 1);
        insert into label (id, name) values (1, 'new');
        insert into product_labels (product_id, label_id) values (1, 1), (2, 1)`);
    },
  });
}
