import { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { softDelete, SoftDeleteConfigError } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { addMonths } from '../../../lib/compliance/add-months.js';

/** Of a database in which the tables of some schemas have partitions. */
const managerOf = (partitioned: readonly string[]) =>
  class extends EntityManager {
    override execute(_sql: unknown, params?: unknown): never {
      const [table] = (params ?? []) as string[];
      const found = table === undefined || partitioned.some((schema) => table.startsWith(`"${schema}".`));
      return Promise.resolve(found ? [{ names: [] }] : []) as never;
    }
  };

describe(addMonths, () => {
  const ormOf = (partitioned: readonly string[], schema?: '*') =>
    new MikroORM({
      dbName: 'none',
      entities: complianceEntities({ schema }),
      entityManager: managerOf(partitioned) as never,
      extensions: [softDelete({ purge: { schemas: () => ['north', 'east', 'south'] } })],
    } as never) as MikroORM;

  it('says that no table has partitions', async () => {
    const adding = addMonths(ormOf([]), 3);
    await expect(adding).rejects.toThrow(SoftDeleteConfigError);
    await expect(adding).rejects.toThrow('none of deletion_record and deletion_archive has partitions.');
  });

  it('says of which tenants no table has partitions', async () => {
    await expect(addMonths(ormOf(['east'], '*'), 3)).rejects.toThrow(
      'none of deletion_record and deletion_archive in north, south has partitions.',
    );
  });

  it('names the tables of each tenant', async () => {
    const added = await addMonths(ormOf(['north', 'east', 'south'], '*'), 3);
    expect(added.map(({ schema, table }) => `${schema}.${table}`)).toEqual(
      ['north', 'east', 'south'].flatMap((schema) => [`${schema}.deletion_record`, `${schema}.deletion_archive`]),
    );
  });
});
