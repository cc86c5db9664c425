import { setTimeout as sleep } from 'node:timers/promises';
import type { TestDatabase } from '../../support/database.js';

/** So many owners have a thing that is not due. */
const BLOCKED = 20;

/** Rows for several processes to purge, of which each must go exactly once. */
export class PurgeLoad {
  /** How many rows go. */
  readonly due: number;

  constructor(
    private readonly database: TestDatabase,
    private readonly owners = 2_000,
  ) {
    this.due = (owners - BLOCKED) * 4;
  }

  /** Every owner has three things. What is removed is written down: the primary key refuses a row that goes twice. */
  async plant(): Promise<void> {
    await this.database.query(`
      create table owner (id int primary key, deleted_at timestamptz);
      create table thing (id int primary key, owner_id int not null references owner (id) on delete restrict, deleted_at timestamptz);
      create index on owner (deleted_at, id) where deleted_at is not null;
      create index on thing (deleted_at, id) where deleted_at is not null;
      create index on thing (owner_id);
      create table removed (what text, id int, primary key (what, id));
      create function log_removed() returns trigger language plpgsql as $$ begin
        insert into removed values (tg_table_name, old.id); return old; end $$;
      create trigger log_removed after delete on owner for each row execute function log_removed();
      create trigger log_removed after delete on thing for each row execute function log_removed();
      insert into owner select n, now() - interval '40 days' from generate_series(1, ${this.owners}) as n;
      insert into owner select n, null from generate_series(${this.owners + 1}, ${this.owners + 10}) as n;
      insert into thing select n, 1 + n % ${this.owners}, case when n % ${this.owners} >= ${BLOCKED} then now() - interval '40 days' end
        from generate_series(1, ${this.owners * 3}) as n;
      analyze owner, thing`);
  }

  async removed(): Promise<number> {
    const [row] = await this.database.query<{ removed: number }>('select count(*)::int as removed from removed');
    return row!.removed;
  }

  /** Waits until so many more rows are gone than at the beginning. */
  async untilMore(rows: number, give = 25_000): Promise<void> {
    const aim = (await this.removed()) + rows;
    await this.until(async () => (await this.removed()) >= aim, `${rows} more rows are gone`, give);
  }

  async until(isTrue: () => boolean | Promise<boolean>, what: string, give = 25_000): Promise<void> {
    for (const end = Date.now() + give; !(await isTrue());) {
      if (Date.now() > end) {
        throw new Error(`Waited in vain until ${what}.`);
      }
      await sleep(20);
    }
  }

  /** What is left of each table, and how much of it is active. */
  async rest(): Promise<unknown> {
    const [row] = await this.database.query(`select
      (select count(*)::int from owner) as owners, (select count(*)::int from owner where deleted_at is null) as "activeOwners",
      (select count(*)::int from thing) as things, (select count(*)::int from thing where deleted_at is null) as "activeThings"`);
    return row;
  }

  /** The same once everything has gone that can. */
  static readonly nothingDue = {
    owners: BLOCKED + 10,
    activeOwners: 10,
    things: BLOCKED * 3,
    activeThings: BLOCKED * 3,
  };
}
