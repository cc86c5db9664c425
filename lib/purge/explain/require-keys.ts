import { type EntityMetadata, helper, Utils } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';
import { showValue } from '../../errors/text/show-value.js';
import { SoftDeleteConfigError } from '../../errors/soft-delete-config.error.js';
import { requireType } from '../../options/require-type.js';
import { sentKeyOf } from '../../sql/entity-key.js';
import { primaryColumnTypes, type RowKey } from '../../sql/row-set.js';

/** A key as it was asked for, and as it is sent to the database. @internal */
export interface AskedKey {
  readonly key: unknown;
  readonly sent: RowKey;
}

/** What a value that is no key at all becomes as text. */
const NO_KEYS: readonly string[] = ['undefined', 'null', '[object Object]', 'NaN'];

/**
 * The keys of rows that somebody asks about: values, arrays of the values of composite keys, objects by property, or entities.
 *
 * @throws SoftDeleteConfigError if they are no list, or one is not a key of the entity
 * @internal
 */
export function requireKeys(em: EntityManager, meta: EntityMetadata, keys: unknown): AskedKey[] {
  requireType('explain(), keys', keys ?? null, 'list');
  return (keys as readonly unknown[]).map((asked) => {
    const key: unknown = Utils.isEntity<object>(asked) ? helper(asked).getPrimaryKey() : asked;
    const sent = key == null ? [] : sentKeyOf(em, meta.root, key);
    if (sent.length !== primaryColumnTypes(meta.root).length || sent.some((text) => NO_KEYS.includes(text))) {
      throw new SoftDeleteConfigError(
        'explain(), keys',
        `${showValue(key)} is not a key of ${meta.className}.`,
        'Pass a list of primary keys: values, or arrays of the values of composite ones in the order of their declaration.',
      );
    }
    return { key, sent };
  });
}
