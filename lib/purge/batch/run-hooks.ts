import { raw } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { EntityRun } from '../run/entity-run.js';
import { keyListSql } from '../fragments/row-sql.js';

/** Loads the rows with what each hook asked for, deleted as they are, and calls it. @internal */
export async function runHooks(em: EntityManager, run: EntityRun, keys: readonly string[]): Promise<void> {
  const { table, meta } = run.plan.entity;
  // To the ORM a question mark is a place for a parameter, even inside of text. JSON has another way to write it.
  const escaped = keys.map((key) => key.replaceAll('?', '\\u003f'));
  for (const { entity, handler, fields } of run.hooks) {
    const list = `select ${table.key.map((_, i) => `k.k${i}`).join(', ')} from ${keyListSql(table, escaped, run.rows.quote)}`;
    const isListed = raw(
      (alias: string) => `(${table.key.map(({ name }) => `"${alias}".${name}`).join(', ')}) in (${list})`,
    );
    const rows = await em.find(entity, { [isListed as unknown as string]: [] } as never, {
      fields: [...new Set([...meta.primaryKeys, ...fields])] as never,
      filters: false,
      disableIdentityMap: true,
      cache: false,
    });
    if (rows.length > 0) {
      await handler(rows, { em });
    }
  }
}
