import type { Options } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { InstallSoftDeleteOptions, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { type Compliance, complianceEntities, createCompliance } from 'nestjs-mikro-orm-soft-delete/compliance';
import { createTestOrm, type TestOrm } from '../../../support/orm.js';
import { SHOP } from './shop.entities.js';

export interface Erasures extends TestOrm, Compliance {
  fork(): EntityManager;
  repo<Entity extends object>(entity: new () => Entity): SoftDeleteRepository<Entity>;
  /** The rows that a query finds. */
  rows(sql: string): Promise<any[]>;
  /** The tables with a text in any column of any row. */
  tablesWith(text: string): Promise<string[]>;
}

/**
 * Registers the hooks that a test file needs to erase data of the shop, or of other entities, from tables that are empty before each test.
 *
 * @param setup - SQL that the schema needs
 */
export function useErasures(
  entities: NonNullable<Options['entities']> = SHOP,
  softDelete: InstallSoftDeleteOptions = { actor: () => 'clerk' },
  setup?: string,
): Erasures {
  const erasures = {} as { -readonly [name in keyof Erasures]: Erasures[name] };
  let tables: string[];

  beforeAll(async () => {
    const test = await createTestOrm([...entities, ...complianceEntities()], {}, softDelete, setup);
    Object.assign(erasures, test, createCompliance(test.orm));
    const found = await test.database.query(`select tablename from pg_tables where schemaname = 'public'`);
    tables = found.map(({ tablename }) => tablename as string);
  });
  beforeEach(async () => {
    await erasures.database.query(
      `truncate ${tables.map((table) => `"${table}"`).join(', ')} restart identity cascade`,
    );
    erasures.statements.length = 0;
  });
  afterAll(() => erasures.close());

  return Object.assign(erasures, {
    fork: () => erasures.orm.em.fork() as EntityManager,
    repo: (entity: never) => erasures.orm.em.fork().getRepository(entity) as never,
    rows: (sql: string) => erasures.database.query(sql),
    tablesWith: async (text: string) => {
      const found: string[] = [];
      for (const table of tables) {
        const rows = await erasures.database.query(
          `select 1 from "${table}" as t where to_jsonb(t.*)::text ilike '%${text.replaceAll("'", "''")}%'`,
        );
        if (rows.length > 0) {
          found.push(table);
        }
      }
      return found;
    },
  });
}

/** Ada, who has a row of everything, some of it deleted and archived; and Bob, who deals with her. */
export const PLANT = `
  insert into customer (email, name, phone, notes, last_ip, version) values
    ('ada@example.org', 'Ada Lovelace', '+44 20 7946 0958', '{"vip": "likes engines", "tags": ["countess"]}', '203.0.113.7', 1),
    ('bob@example.org', 'Bob Babbage', '+44 20 7946 0999', null, '203.0.113.8', 1);
  update customer set referred_by_id = 1 where id = 2;
  insert into purchase (customer_id, ship_to, paid_at, deleted_at) values
    (1, 'Ada Lovelace, St James Square 12', null, null), (1, 'Lady Lovelace, Ockham Park', null, now()),
    (2, 'Bob Babbage, Dorset Street 1', null, null);
  update purchase set paid_at = now() - interval '11 years';
  insert into line (order_id, engraving) values (1, 'To my dear Ada Lovelace'), (2, 'Byron forever yours'), (3, 'For Bob');
  insert into review (author_id, text, in_reply_to_id) values
    (1, 'Fine engines, says the countess', null), (2, 'I agree with all of it', 1), (2, 'Too loud for my taste', null);
  insert into review (author_id, text, in_reply_to_id) values (1, 'Wear a scarf then, my friend', 3);
  insert into picture (review_id, path) values (1, 'countess-portrait.png'), (3, 'engine.png');
  insert into message (sender_id, recipient_id, body) values
    (1, 2, 'Come to tea on Thursday'), (2, 1, 'With the greatest pleasure'), (2, 2, 'Note to myself: buy tea');
  insert into visit (customer_id, payload) values (1, '{"page": "/engines"}'), (2, null);
  insert into ticket (customer_id, question, answer) values
    (1, 'Where is my analytical engine?', 'On its way to Ockham Park'), (1, 'Why is it so loud today?', null), (2, 'Refund please', null);
  insert into attachment (ticket_id, name) values (1, 'receipt-lovelace.pdf'), (2, 'noise-recording.wav'), (3, 'receipt-bob.pdf')`;
