import type { EntityManager } from '@mikro-orm/postgresql';
import { owningTable } from '../../../metadata/relation-graph.js';
import { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import { textProperties } from '../declaration/text-columns.js';
import type { PersonalRow } from '../graph/personal-rows.js';

/** A row with all of its texts among its fields, if it is to go as a whole. @internal */
export function withTexts(em: EntityManager, row: PersonalRow): PersonalRow {
  if (!row.isGoing) {
    return row;
  }
  const fields = new Map(row.fields);
  const covered = new Set([...row.declarations].flatMap((declaration) => [...declaration.covered]));
  for (const { meta } of row.declarations) {
    for (const prop of textProperties(SoftDeleteCatalog.of(em), meta).filter(({ name }) => !covered.has(name))) {
      const table = owningTable(meta, prop);
      const [column, type] = [prop.fieldNames[0]!, prop.columnTypes[0]!];
      fields.set(`${table.className} ${column}`, {
        name: prop.name,
        table,
        column,
        type,
        isUnique: false,
        value: { kind: 'null' },
      });
    }
  }
  return row.copy(fields);
}
