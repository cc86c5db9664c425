import type { EntityManager } from '@mikro-orm/postgresql';
import { owningTable } from '../../../metadata/relations/relation-graph.js';
import { SoftDeleteCatalog } from '../../../metadata/soft-delete-catalog.js';
import type { PersonalField } from '../declaration/personal-data-entity.js';
import { textProperties } from '../declaration/text-columns.js';
import type { RowDeclarations } from '../graph/personal-rows.js';

/** What is overwritten of rows, and all of their texts if they are to go as a whole. @internal */
export function withTexts(em: EntityManager): (declared: RowDeclarations) => ReadonlyMap<string, PersonalField> {
  return ({ declarations, fields, isGoing }) => {
    if (!isGoing) {
      return fields;
    }
    const all = new Map(fields);
    const covered = new Set(declarations.flatMap((declaration) => [...declaration.covered]));
    for (const { meta } of declarations) {
      for (const prop of textProperties(SoftDeleteCatalog.of(em), meta).filter(({ name }) => !covered.has(name))) {
        const table = owningTable(meta, prop);
        const [column, type] = [prop.fieldNames[0]!, prop.columnTypes[0]!];
        all.set(`${table.className} ${column}`, {
          name: prop.name,
          table,
          column,
          type,
          isUnique: false,
          value: { kind: 'null' },
        });
      }
    }
    return all;
  };
}
