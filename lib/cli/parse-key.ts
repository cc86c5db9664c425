import type { EntityMetadata } from '@mikro-orm/core';
import { readKey } from '../metadata/key-text.js';
import { CliError } from './cli.error.js';

/**
 * A primary key as somebody types it: a value, or a JSON array of the values of a composite key in the order of their declaration.
 *
 * @throws CliError if it cannot be a key of the entity
 * @internal
 */
export function parseKey(meta: EntityMetadata, text: string): unknown {
  const key = readKey(meta, text);
  if (key === undefined) {
    const props = meta.root.getPrimaryProps();
    const names = props.map(({ name }) => name).join(', ');
    throw new CliError(
      props.length === 1
        ? `"${text}" is not a key of ${meta.className}, which is a ${props[0]!.runtimeType}.`
        : `"${text}" is not a key of ${meta.className}. Its key is composite: write a JSON array of ${names}, such as '[1,2]'.`,
    );
  }
  return key;
}
