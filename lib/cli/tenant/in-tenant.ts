import { RequestContext } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';
import { installSoftDelete } from '../../install-soft-delete.js';
import { closestName } from '../../options/closest-name.js';
import { CliError } from '../cli.error.js';

/**
 * Does the work of a command in the context of a tenant, whose schema the entities of schema `'*'` live in.
 *
 * @throws CliError if no entity does, or the database has no such schema
 * @internal
 */
export async function inTenant<Result>(orm: MikroORM, schema: string, work: () => Promise<Result>): Promise<Result> {
  if (![...orm.getMetadata()].some((meta) => meta.schema === '*')) {
    throw new CliError(
      `--schema ${schema}: no entity of this configuration lives in the schemas of tenants (schema: '*'). Leave it out.`,
    );
  }
  const known = await schemasOf(orm);
  if (!known.includes(schema)) {
    const meant = closestName(schema, known);
    throw new CliError(
      `--schema ${schema}: the database has no such schema. ${meant ? `Did you mean ${meant}?` : `There are: ${known.join(', ') || 'none'}.`}`,
    );
  }
  // Before the fork, which takes along what is installed by then.
  installSoftDelete(orm);
  return RequestContext.create(orm.em.fork({ schema }), work);
}

async function schemasOf(orm: MikroORM): Promise<string[]> {
  const rows = await orm.em.execute<{ name: string }[]>(
    String.raw`select nspname::text as name from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1`,
  );
  return rows.map(({ name }) => name);
}
