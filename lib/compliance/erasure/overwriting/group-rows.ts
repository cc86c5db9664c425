import type { EntityMetadata } from '@mikro-orm/core';
import type { PersonalField } from '../declaration/personal-data-entity.js';
import type { PersonalRow, RowDeclarations } from '../graph/personal-rows.js';

/** Rows of one table of which the same columns are overwritten. @internal */
export interface RowGroup {
  readonly table: EntityMetadata;
  readonly fields: readonly PersonalField[];
  readonly rows: readonly PersonalRow[];
}

/**
 * Rows by what is overwritten of them, so that each group takes one statement.
 *
 * @param fieldsOf - what counts as overwritten
 * @internal
 */
export function groupRows(
  rows: readonly PersonalRow[],
  fieldsOf: (declared: RowDeclarations) => ReadonlyMap<string, PersonalField> = ({ fields }) => fields,
): RowGroup[] {
  const byFields = new Map<string, { fields: readonly PersonalField[]; rows: PersonalRow[][] }>();
  for (const [declared, group] of Map.groupBy(rows, (row) => row.declared)) {
    const fields = fieldsOf(declared);
    const id = JSON.stringify([group[0]!.root.className, ...[...fields.keys()].toSorted()]);
    const same = byFields.get(id) ?? { fields: [...fields.values()], rows: [] };
    same.rows.push(group);
    byFields.set(id, same);
  }
  return [...byFields.values()].flatMap(({ fields, rows: groups }) =>
    [...Map.groupBy(fields, ({ table }) => table.tableName).values()].map((ofTable) => ({
      table: ofTable[0]!.table,
      fields: ofTable,
      rows: groups.flat(),
    })),
  );
}
