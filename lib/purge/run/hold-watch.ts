import type { EntityMetadata } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { HoldTables } from '../../installation/hold-tables.js';
import { findInstallation } from '../../installation/installation.js';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import { holdsVersionSql, readHeldRows } from '../../sql/held-rows.js';
import { inChunks } from '../../sql/row-set.js';
import type { PurgeConnection } from '../connection/purge-connection.js';
import { BY_KEY } from '../fragments/plan-settings.js';
import { listDueAmong } from '../statements/list-due-among.js';
import { tableName } from '../../sql/table-name.js';
import type { EntityRun } from './entity-run.js';
import { findHeldEntities, mayCoverArchived } from '../../archive/removal/find-held-entities.js';

/**
 * Knows which due rows legal holds cover, and has every batch refused that begins after a hold was placed, until it knows of that too.
 *
 * @internal
 */
export class HoldWatch {
  #held: ReadonlySet<EntityMetadata> = new Set();

  private constructor(
    private readonly em: EntityManager,
    private readonly connection: PurgeConnection,
    private readonly runs: readonly EntityRun[],
    private readonly tables: HoldTables,
  ) {}

  /** Begins to watch, if the ORM has the tables of holds. */
  static async begin(
    em: EntityManager,
    connection: PurgeConnection,
    runs: readonly EntityRun[],
  ): Promise<HoldWatch | undefined> {
    const tables = findInstallation(em)?.holds;
    const watch = tables && new HoldWatch(em, connection, runs, tables);
    await watch?.refresh();
    return watch;
  }

  /** Whether a hold may cover archived rows of an entity, or what was archived along with them: no hold says which ones. */
  mayCover(meta: EntityMetadata): boolean {
    return mayCoverArchived(SoftDeleteCatalog.of(this.em), this.#held, meta);
  }

  async refresh(): Promise<void> {
    const sql = holdsVersionSql(this.em, this.tables);
    // The version first: a hold that is placed after it is noticed by the next batch.
    const [row] = await this.connection.read<{ version: string }>(`select ${sql} as version`);
    this.#held = await this.#findHeldEntities();
    const covered = await readHeldRows(this.em, undefined, this.tables);
    for (const run of this.runs) {
      run.letGo();
      const { meta } = run.plan.entity;
      await inChunks(covered.each(meta), async (chunk) => {
        const due = listDueAmong(
          run.rows,
          chunk.map((key) => JSON.stringify(key)),
        );
        run.hold((await this.connection.read<{ key: string }>(due, BY_KEY)).map(({ key }) => key));
      });
    }
    this.connection.expectHolds({ sql, version: row!.version });
  }

  async #findHeldEntities(): Promise<Set<EntityMetadata>> {
    const { em, tables } = this;
    const rows = await this.connection.read<{ entity: string }>(
      `select distinct r."entity" from ${tableName(em, tables.rows)} as r join ${tableName(em, tables.holds)} as h on h."id" = r."hold" ` +
        `where h."released_at" is null`,
    );
    const metas = [...em.getMetadata()];
    // An entity that is no longer there has no name in the archive either.
    const named = rows.flatMap(({ entity }) => metas.filter(({ className }) => className === entity));
    return findHeldEntities(em, SoftDeleteCatalog.of(em), named);
  }
}
