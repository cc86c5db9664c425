import type { EntityMetadata } from '@mikro-orm/core';
import type { Operation, OperationListener, OperationPart, OperationRow } from '../../events/operation.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';

const COLUMNS = ['action', 'entity', 'unit', 'count', 'keys', 'units', 'actor', 'reason'] as const;

/**
 * Writes what an operation has done, one record for each entity and all in one statement, in the operation's transaction: both last, or
 * neither. An INSERT that is refused undoes the operation.
 *
 * @param meta - the entity of the records
 * @internal
 */
export function recordOperations(meta: EntityMetadata): OperationListener {
  return async (operation, { em, ctx }) => {
    const records = [...Map.groupBy(operation.parts, (part) => part.meta.className)].map(([entity, parts]) =>
      recordOf(operation, entity, parts),
    );
    await execute(
      em,
      ctx,
      `insert into ${tableName(em, meta)} (${COLUMNS.map((name) => em.getPlatform().quoteIdentifier(name)).join(', ')}) ` +
        `values ${records.map(({ sql }) => sql).join(', ')}`,
      records.flatMap(({ params }) => params),
    );
  };
}

/** The values of one record, in the order of the columns, as a row of an INSERT. */
function recordOf(
  { action, unit, actor, reason }: Operation,
  entity: string,
  parts: readonly OperationPart[],
): { sql: string; params: unknown[] } {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const rows = parts.flatMap((part) => part.rows ?? []);
  const isTold = parts.every((part) => part.rows !== undefined);
  const shared = sharedUnit(rows);
  const recorded = unit?.text ?? shared;
  const listed = isTold ? JSON.stringify(rows.map(({ key }) => key)) : null;
  // Whoever does not list them has one part for an entity.
  const { span } = parts[0]!;
  const keys = parts[0]!.keysSql ?? { sql: 'cast(? as json)', params: [listed] };
  return {
    sql: `(?, ?, cast(? as timestamptz), ?, (${keys.sql}), cast(? as jsonb), ?, ?)`,
    params: [
      action,
      entity,
      recorded ?? null,
      count,
      ...keys.params,
      span
        ? JSON.stringify({ from: span.from, until: span.until })
        : isTold && (recorded === undefined || shared !== recorded)
          ? JSON.stringify(rows.map((row) => row.unit))
          : null,
      actor ?? null,
      reason ?? null,
    ],
  };
}

/** The unit that all rows were deleted in; none where they differ, or one of them was active. */
function sharedUnit(rows: readonly OperationRow[]): string | undefined {
  const first = rows[0]?.unit ?? undefined;
  return rows.every(({ unit }) => unit === first) ? first : undefined;
}
