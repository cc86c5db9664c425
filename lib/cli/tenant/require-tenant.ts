import type { EntityMetadata } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';
import { currentManager } from '../../compliance/current-manager.js';
import { hasNoSchema } from '../../purge/plan/has-no-schema.js';
import { CliError } from '../cli.error.js';

/**
 * @param otherwise - what else can be done
 * @throws CliError if each tenant has a table of the entity, and nobody has said which tenant is meant
 * @internal
 */
export function requireTenant(orm: MikroORM, meta: EntityMetadata, otherwise = ''): void {
  if (hasNoSchema(currentManager(orm), meta)) {
    throw new CliError(
      `Each tenant has a table ${meta.tableName} in its own schema. Name one: --schema tenant_1. ${otherwise}`.trim(),
    );
  }
}
