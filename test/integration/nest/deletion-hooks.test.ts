import { Injectable, Scope } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { MikroORM } from '@mikro-orm/postgresql';
import {
  getSoftDeleteRepositoryToken,
  type HookContext,
  OnDelete,
  OnRestore,
  SoftDeleteConfigError,
  SoftDeleteModule,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import type { TestDatabase } from '../../support/database.js';
import { City, createPeopleDatabase, mikroOrmModule, Person, Pet } from './people.js';

class Veto extends Error {}

@Injectable()
class Sessions {
  readonly seen: string[] = [];

  @OnDelete(Person, { fields: ['name'] })
  async revoke(people: Person[], { em, actor }: HookContext) {
    people.forEach(({ id, name }) => this.seen.push(`revoke ${id} ${name} for ${actor}`));
    if (people.some(({ name }) => name === 'Root')) {
      throw new Veto('Root stays.');
    }
    await em.execute('insert into pet (name) values (?)', [`of ${people[0]!.name}`]);
  }

  @OnDelete(Pet)
  @OnRestore(Pet)
  count(pets: Pet[]) {
    this.seen.push(`count ${pets.map(({ id }) => id).join(' ')}`);
  }
}

@Injectable()
class ForCity {
  @OnDelete(City)
  run() {}
}

@Injectable()
class ForStranger {
  @OnRestore(Sessions)
  run() {}
}

@Injectable()
class ForMistyped {
  @OnDelete(Person, { fields: ['named'] })
  run() {}
}

describe('providers with @OnDelete() and @OnRestore()', () => {
  let database: TestDatabase;
  let app: TestingModule | undefined;

  beforeEach(async () => {
    database = await createPeopleDatabase();
  });
  afterEach(async () => {
    await app?.close();
    app = undefined;
    await database.drop();
  });

  const start = async (providers: any[], contextName?: string) => {
    app = await Test.createTestingModule({
      imports: [
        mikroOrmModule(database, contextName),
        SoftDeleteModule.forRoot({ actor: () => 'ada', ...(contextName === undefined ? {} : { contextName }) }),
        SoftDeleteModule.forFeature([Person, Pet], contextName),
      ],
      providers,
    }).compile();
    await app.init();
    return app;
  };

  it.each([undefined, 'crm'])('are called with rows and context, and may veto, in the ORM %p', async (contextName) => {
    const module = await start([Sessions], contextName);
    const { seen } = module.get(Sessions);
    const repository = <Entity extends object>(entity: new () => Entity) => {
      const orm = module.get<MikroORM>(contextName === undefined ? MikroORM : `${contextName}_MikroORM`);
      const found = module.get<SoftDeleteRepository<Entity>>(getSoftDeleteRepositoryToken(entity, contextName));
      return orm.em.fork().getRepository(found.getEntityName() as never) as unknown as SoftDeleteRepository<Entity>;
    };
    await repository(Person).softDelete(1);
    await repository(Pet).softDelete(1);
    await repository(Pet).restore(1);
    expect(seen).toEqual(['revoke 1 Ada for ada', 'count 1', 'count 1']);
    expect(await database.query("select name from pet where name like 'of %'")).toEqual([{ name: 'of Ada' }]);

    await database.query("insert into person (name) values ('Root')");
    await expect(repository(Person).softDelete({ name: 'Root' })).rejects.toThrow(Veto);
    expect(await database.query("select deleted_at from person where name = 'Root'")).toEqual([{ deleted_at: null }]);
  });

  it.each<[string, any, RegExp]>([
    [
      'an entity that is not soft-deletable',
      ForCity,
      /^@OnDelete\(\) on ForCity\.run: City is not soft-deletable\. Soft-deletable are: Person, Pet/,
    ],
    ['a class that is no entity', ForStranger, /^@OnRestore\(\) on ForStranger\.run: Sessions is not an entity/],
    [
      'a field that is not there',
      ForMistyped,
      /^@OnDelete\(\) on ForMistyped\.run, fields: Person has no property "named"\. Did you mean "name"\?/,
    ],
  ])('refuse to start for %s', async (_, provider, message) => {
    const error: Error = await start([provider]).then(
      () => new Error('It started.'),
      (reason: Error) => reason,
    );
    expect(error).toBeInstanceOf(SoftDeleteConfigError);
    expect(error.message).toMatch(message);
  });

  it('refuse to start where there is no one instance to call', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Cleanup {
      @OnDelete(Person)
      run() {}
    }
    await expect(start([Cleanup])).rejects.toThrow(
      /@OnDelete\(\) on Cleanup\.run: .*a deletion cannot call the provider.*Scope\.DEFAULT/,
    );
  });

  it('refuse an entity that is none, and options that they do not know, where they are declared', () => {
    const given = (value: unknown) => value as never;
    expect(() => OnDelete(given(undefined))).toThrow(/@OnDelete\(\): undefined is not an entity/);
    expect(() => OnRestore(Person, given({ field: ['name'] }))).toThrow(/@OnRestore\(Person\).*field/);
    expect(() => OnRestore(Person, given({ fields: 'name' }))).toThrow(/@OnRestore\(Person\), fields/);
  });
});
