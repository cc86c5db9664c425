import type { EntityMetadata } from '@mikro-orm/core';
import type { PersonalField } from '../declaration/personal-data-entity.js';
import type { PersonalRow } from '../graph/personal-rows.js';

/** Rows of one table of which the same columns are overwritten. @internal */
export interface RowGroup {
  readonly table: EntityMetadata;
  readonly fields: readonly PersonalField[];
  readonly rows: readonly PersonalRow[];
}

/** Rows by what is overwritten of them, so that each group takes one statement. @internal */
export function groupRows(rows: readonly PersonalRow[]): RowGroup[] {
  const groups: RowGroup[] = [];
  const withFields = rows.filter(({ fields }) => fields.size > 0);
  const byFields = Map.groupBy(withFields, ({ root, fields }) =>
    JSON.stringify([root.className, ...[...fields.keys()].toSorted()]),
  );
  for (const group of byFields.values()) {
    const fields = [...group[0]!.fields.values()];
    for (const ofTable of Map.groupBy(fields, ({ table }) => table.tableName).values()) {
      groups.push({ table: ofTable[0]!.table, fields: ofTable, rows: group });
    }
  }
  return groups;
}
