import { MikroOrmModule } from '@mikro-orm/nestjs';
import { defineEntity, EntityRepository, p, PostgreSqlDriver } from '@mikro-orm/postgresql';
import { Test } from '@nestjs/testing';
import { softDeletable, SoftDeleteModule, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { createTestDatabase } from '../../support/database.js';

class PlainRepository extends EntityRepository<any> {}
class SafeRepository extends SoftDeleteRepository<any> {}

const entity = (name: string, repository?: () => typeof PlainRepository | typeof SafeRepository) =>
  softDeletable(
    defineEntity({
      name,
      tableName: name.toLowerCase(),
      ...(repository ? { repository: repository as never } : {}),
      properties: { id: p.integer().primary(), deletedAt: p.datetime().columnType('timestamptz').nullable() },
    }),
  );

describe(SoftDeleteModule.name, () => {
  it('warns at the start of repositories that do not extend its own', async () => {
    const database = await createTestDatabase();
    const warnings: string[] = [];
    const ignore = () => undefined;
    const entities = [entity('Plain', () => PlainRepository), entity('Safe', () => SafeRepository), entity('Bare')];
    const app = await Test.createTestingModule({
      imports: [
        MikroOrmModule.forRoot({ driver: PostgreSqlDriver, clientUrl: database.url, entities }),
        SoftDeleteModule.forRoot(),
      ],
    })
      .setLogger({ log: ignore, error: ignore, warn: (message: string) => void warnings.push(message) })
      .compile();
    await app.close();
    await database.drop();

    expect(warnings).toEqual([
      'The repositories of Plain do not extend SoftDeleteRepository: they can neither restore nor show deleted rows. ' +
        'Let them extend SoftDeleteRepository.',
    ]);
  });
});
