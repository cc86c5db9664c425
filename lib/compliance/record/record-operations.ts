import type { EntityMetadata } from '@mikro-orm/core';
import type { Operation, OperationListener, OperationPart, OperationRow } from '../../events/operation.js';
import { tableName } from '../../sql/table-name.js';
import { execute } from '../../sql/transaction.js';

const COLUMNS = ['action', 'entity', 'unit', 'count', 'keys', 'units', 'actor', 'reason'] as const;
const VALUES = '(?, ?, cast(? as timestamptz), ?, cast(? as jsonb), cast(? as jsonb), ?, ?)';

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
        `values ${records.map(() => VALUES).join(', ')}`,
      records.flat(),
    );
  };
}

/** The values of one record, in the order of the columns. */
function recordOf(
  { action, unit, actor, reason }: Operation,
  entity: string,
  parts: readonly OperationPart[],
): unknown[] {
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const rows = parts.flatMap((part) => part.rows ?? []);
  const isTold = parts.every((part) => part.rows !== undefined);
  const shared = unit ? undefined : sharedUnit(rows);
  return [
    action,
    entity,
    unit?.text ?? shared ?? null,
    count,
    isTold ? JSON.stringify(rows.map(({ key }) => key)) : null,
    isTold && shared === undefined ? JSON.stringify(rows.map((row) => row.unit)) : null,
    actor ?? null,
    reason ?? null,
  ];
}

/** The unit that all rows were deleted in; none where they differ, or one of them was active. */
function sharedUnit(rows: readonly OperationRow[]): string | undefined {
  const first = rows[0]?.unit ?? undefined;
  return rows.every(({ unit }) => unit === first) ? first : undefined;
}
