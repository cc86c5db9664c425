import { type EntityRepository, RequestContext } from '@mikro-orm/core';
import { getRepositoryToken, MikroOrmModule } from '@mikro-orm/nestjs';
import { MikroORM } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { SoftDeleteModule, SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import type { TestDatabase } from '../../support/database.js';
import { City, createPeopleDatabase, mikroOrmModule, Person, Pet, PetRepository } from './people.js';

@Module({ imports: [MikroOrmModule.forFeature([Person, Pet, City])] })
class FeatureModule {}

describe('The repositories of MikroORM', () => {
  let database: TestDatabase;
  let app: TestingModule;

  afterEach(async () => {
    await app.close();
    await database.drop();
  });

  it.each(['before', 'after'])('delete softly where the feature is imported %s soft deletion', async (order) => {
    database = await createPeopleDatabase();
    const modules = [FeatureModule, SoftDeleteModule.forRoot()];
    app = await Test.createTestingModule({
      imports: [mikroOrmModule(database), ...(order === 'before' ? modules : modules.toReversed())],
    }).compile();
    await app.init();
    const people = app.get<EntityRepository<Person>>(getRepositoryToken(Person), { strict: false });
    const em = app.get(MikroORM).em.fork();

    expect(people).toBeInstanceOf(SoftDeleteRepository);
    expect(app.get(getRepositoryToken(Pet), { strict: false })).toBeInstanceOf(PetRepository);
    expect(app.get(getRepositoryToken(City), { strict: false })).not.toBeInstanceOf(SoftDeleteRepository);
    await em.transactional(async (inner) => {
      await inner.getRepository(Person).nativeDelete({ name: 'Ada' });
    });
    expect(await database.query('select deleted_at is null as active from person')).toEqual([
      { active: false },
      { active: false },
    ]);
    await database.query(`insert into person (name) values ('Cy')`);
    await RequestContext.create(app.get(MikroORM).em, () => people.nativeDelete({ name: 'Cy' }));
    expect(await database.query(`select deleted_at is null as active from person where name = 'Cy'`)).toEqual([
      { active: false },
    ]);
  });
});
