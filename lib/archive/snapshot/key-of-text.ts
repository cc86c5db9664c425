import type { EntityMetadata, EntityProperty } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { entityKeyOf } from '../../sql/entity-key.js';
import type { RowKey } from '../../sql/row-set.js';

/** The key of a row that is in no table, as its entity has it. @internal */
export function keyOfText(em: EntityManager, meta: EntityMetadata, key: RowKey): unknown {
  const columns = meta.root.getPrimaryProps().flatMap(columnsOf);
  return entityKeyOf(
    em.getPlatform(),
    meta.root,
    key.map((text, i) => columns[i]!(text)),
  );
}

/** What the driver would return for the text of each column of a key. */
function columnsOf(prop: EntityProperty): ((text: string) => unknown)[] {
  if (prop.targetMeta) {
    return prop.targetMeta.getPrimaryProps().flatMap(columnsOf);
  }
  if (prop.columnTypes.some((type) => /^bytea/i.test(type))) {
    return [(text) => Buffer.from(text.slice(2), 'hex')];
  }
  return [prop.runtimeType === 'number' && !prop.customType ? Number : (text) => text];
}
