import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { getRepositoryToken, InjectRepository } from '@mikro-orm/nestjs';
import type { EntityRepository, MikroORM } from '@mikro-orm/postgresql';
import {
  getPurgeServiceToken,
  getSoftDeleteEventsToken,
  InjectSoftDeleteRepository,
  OnDelete,
  OnPurge,
  PurgeHealthIndicator,
  type PurgeService,
  runInScope,
  type SoftDeleteEvents,
  SoftDeleteModule,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { type ErasureService, getErasureServiceToken } from 'nestjs-mikro-orm-soft-delete/compliance';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase, mikroOrmModule, Person, Pet } from './people.js';

@Injectable()
class People {
  readonly seen: string[] = [];

  constructor(
    @InjectSoftDeleteRepository(Person, 'a') readonly a: SoftDeleteRepository<Person>,
    @InjectSoftDeleteRepository(Person, 'b') readonly b: SoftDeleteRepository<Person>,
    @InjectRepository(Person, 'a') readonly plainA: EntityRepository<Person>,
    @InjectRepository(Person, 'b') readonly plainB: EntityRepository<Person>,
  ) {}

  @OnDelete(Person, { fields: ['name'] })
  deleted(people: Person[]) {
    this.seen.push(...people.map(({ name }) => `deleted ${name}`));
  }

  @OnPurge(Person, { fields: ['name'] })
  purged(people: Person[]) {
    this.seen.push(...people.map(({ name }) => `purged ${name}`));
  }
}

describe('two ORMs of one application over the same classes', () => {
  const databases = {} as Record<'a' | 'b', TestDatabase>;
  let app: TestingModule;
  let people: People;

  beforeEach(async () => {
    for (const name of ['a', 'b'] as const) {
      databases[name] = await createPeopleDatabase();
      await databases[name].query(`update person set name = '${name} ' || name`);
    }
    const forRoot = (contextName: string) =>
      SoftDeleteModule.forRoot({
        contextName,
        actor: () => `actor of ${contextName}`,
        purge: { retention: '1d' },
      });
    app = await Test.createTestingModule({
      imports: [
        mikroOrmModule(databases.a, 'a'),
        mikroOrmModule(databases.b, 'b'),
        forRoot('a'),
        forRoot('b'),
        SoftDeleteModule.forFeature([Person, Pet], 'a'),
        SoftDeleteModule.forFeature([Person, Pet], 'b'),
      ],
      providers: [
        People,
        ...['a', 'b'].map((name) => ({
          provide: getRepositoryToken(Person, name),
          useFactory: (orm: MikroORM) => orm.em.getRepository(Person),
          inject: [`${name}_MikroORM`],
        })),
        ...['a', 'b'].map((name) => ({
          provide: `${name} purge`,
          useFactory: (purge: PurgeService, erasures?: ErasureService) => new PurgeHealthIndicator(purge, erasures),
          inject: [getPurgeServiceToken(name), { token: getErasureServiceToken(name), optional: true }],
        })),
      ],
    }).compile();
    await app.init();
    people = app.get(People);
  });
  afterEach(async () => {
    await app.close();
    await Promise.all(Object.values(databases).map((database) => database.drop()));
  });

  const active = async (name: 'a' | 'b') =>
    (await databases[name].query('select id from person where deleted_at is null order by id')).map(({ id }) => id);
  const all = async (name: 'a' | 'b') =>
    (await databases[name].query('select id from person order by id')).map(({ id }) => id);
  const em = (name: 'a' | 'b') => app.get<MikroORM>(`${name}_MikroORM`).em.fork();
  const repo = (name: 'a' | 'b') => em(name).getRepository(Person) as unknown as SoftDeleteRepository<Person>;

  describe.each([
    ['a', 'b'],
    ['b', 'a'],
  ] as const)('deletes in %s, not in %s', (here, there) => {
    const untouched = async () => {
      expect(await active(there)).toEqual([1]);
      expect(await all(there)).toEqual([1, 2]);
    };

    it('through em.remove(), and restores', async () => {
      const own = em(here);
      const [mine, theirs] = [await own.findOneOrFail(Person, 1), await em(there).findOneOrFail(Person, 1)];
      await own.remove(mine).flush();
      const repository = own.getRepository(Person) as unknown as SoftDeleteRepository<Person>;
      expect(repository.isDeleted(mine)).toBe(true);
      expect(repo(there).isDeleted(theirs)).toBe(false);
      expect([await active(here), await all(here)]).toEqual([[], [1, 2]]);
      await untouched();
      await expect(own.findOne(Person, 1)).resolves.toBeNull();
      await expect(em(there).findOne(Person, 1)).resolves.toMatchObject({ name: `${there} Ada` });
      expect(people.seen).toEqual([`deleted ${here} Ada`]);

      await repository.restore(1);
      expect(await active(here)).toEqual([1]);
      expect(repository.isDeleted(mine)).toBe(false);
    });

    it('through the repositories that are injected', async () => {
      expect([people.a, people.b].map((each) => each.getEntityManager().name)).toEqual(['a', 'b']);
      for (const plain of [people.plainA, people.plainB]) {
        expect(plain).toHaveProperty('softDelete');
      }
      await (em(here).getRepository(Person) as unknown as SoftDeleteRepository<Person>).nativeDelete({ id: 1 });
      expect([await active(here), await all(here)]).toEqual([[], [1, 2]]);
      await untouched();
    });

    it('shows deleted rows in the scope of one alone', async () => {
      await runInScope(em(here), 'with', async () => {
        await expect(em(here).count(Person)).resolves.toBe(2);
        await expect(em(there).count(Person)).resolves.toBe(1);
      });
    });

    it('tells its own events, with its own actor', async () => {
      const told: unknown[] = [];
      for (const name of [here, there]) {
        app
          .get<SoftDeleteEvents>(getSoftDeleteEventsToken(name))
          .stream$.subscribe(({ entity, keys, actor }) => told.push([name, entity, keys, actor]));
      }
      await repo(here).softDelete(1);
      expect(told).toEqual([[here, 'Person', [1], `actor of ${here}`]]);
    });

    it('is late by its own rows', async () => {
      const health = (name: string) => app.get<PurgeHealthIndicator>(`${name} purge`).isHealthy();
      await databases[there].query('update person set deleted_at = null');
      await databases[here].query(`update person set deleted_at = now() - interval '9 days' where id = 1`);
      await expect(health(here)).resolves.toMatchObject({ purge: { status: 'down', due: 2 } });
      await expect(health(there)).resolves.toEqual({ purge: { status: 'up', overdueBy: 0 } });
    });

    it('purges its own rows', async () => {
      const report = await app.get<PurgeService>(getPurgeServiceToken(here)).run({ entities: [Person] });
      expect(report.entities).toMatchObject([{ entity: 'Person', purged: 1 }]);
      expect(await all(here)).toEqual([1]);
      await untouched();
      expect(people.seen).toEqual([`purged ${here} Bob`]);
    });
  });
});
