import type { EntityMetadata } from '@mikro-orm/core';
import { BadRequestException } from '@nestjs/common';
import { readKey } from '../../metadata/key-text.js';

/**
 * The key that a client means by a text, as the entity has it.
 *
 * @throws BadRequestException to the client, if it is none of this entity's
 * @internal
 */
export function parseKey(meta: EntityMetadata, text: unknown): unknown {
  const key = typeof text === 'string' ? readKey(meta, text) : undefined;
  if (key === undefined) {
    throw refuse(meta, text);
  }
  return key;
}

function refuse(meta: EntityMetadata, given: unknown): BadRequestException {
  const { root } = meta;
  const form = root.compositePK ? `a JSON array of ${root.primaryKeys.join(', ')}` : root.primaryKeys[0]!;
  const shown = (typeof given === 'string' ? given : (JSON.stringify(given) ?? 'undefined')).slice(0, 100);
  return new BadRequestException(`"${shown}" is not a key of ${root.className}. Write ${form} as text.`);
}
