import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { jest } from '@jest/globals';
import { type INestApplication, Logger } from '@nestjs/common';
import { Args, Field, GraphQLModule, Int, ObjectType, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import {
  DeletedScope,
  InjectSoftDeleteRepository,
  SoftDeleteConfigError,
  SoftDeleteModule,
  SoftDeleteRepository,
  WithDeleted,
} from 'nestjs-mikro-orm-soft-delete';
import type { TestDatabase } from '../../support/database.js';
import { createPeopleDatabase, mikroOrmModule, Person } from '../nest/people.js';

@ObjectType()
class Group {
  @Field(() => Int)
  id!: number;
}

abstract class Names {
  constructor(@InjectSoftDeleteRepository(Person) readonly people: SoftDeleteRepository<Person>) {}

  async names(): Promise<string[]> {
    // Not within one tick: a scope must last as long as the resolver works.
    await new Promise((resolve) => setImmediate(resolve));
    return (await this.people.findAll({ orderBy: { id: 1 } })).map(({ name }) => name);
  }
}

@Resolver(() => Group)
class GroupResolver extends Names {
  @Query(() => [String])
  active(): Promise<string[]> {
    return this.names();
  }

  @WithDeleted()
  @Query(() => [String])
  everybody(): Promise<string[]> {
    return this.names();
  }

  @WithDeleted({ arg: 'withDeleted' })
  @Query(() => [String])
  asked(@Args('withDeleted', { nullable: true }) _withDeleted?: boolean): Promise<string[]> {
    return this.names();
  }

  @WithDeleted({ arg: 'withDeleted' })
  @Query(() => [String])
  loose(@Args('withDeleted', { nullable: true }) _withDeleted?: string): Promise<string[]> {
    return this.names();
  }

  @Query(() => [String])
  async scoped(
    @Args('deleted', { nullable: true }) _deleted: string,
    @DeletedScope({ arg: 'deleted' }) scope: DeletedScope,
  ): Promise<string[]> {
    return (await this.people.scope(scope).findAll({ orderBy: { id: 1 } })).map(({ name }) => name);
  }

  @WithDeleted()
  @Query(() => Group)
  group(): Group {
    return { id: 1 };
  }

  @ResolveField(() => [String])
  members(@Parent() _group: Group): Promise<string[]> {
    return this.names();
  }

  @WithDeleted({ arg: 'withDeleted' })
  @ResolveField(() => [String])
  allMembers(@Args('withDeleted', { nullable: true }) _withDeleted?: boolean): Promise<string[]> {
    return this.names();
  }
}

@WithDeleted({ arg: 'withDeleted' })
@Resolver()
class MarkedResolver extends Names {
  @Query(() => [String])
  first(@Args('withDeleted', { nullable: true }) _withDeleted?: boolean): Promise<string[]> {
    return this.names();
  }

  @WithDeleted()
  @Query(() => [String])
  second(): Promise<string[]> {
    return this.names();
  }
}

const drivers = [
  {
    driver: 'Apollo',
    adapter: () => new ExpressAdapter(),
    graphql: (fields?: string[]) =>
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        autoSchemaFile: true,
        allowBatchedHttpRequests: true,
        ...(fields && { fieldResolverEnhancers: fields as never }),
      }),
  },
  {
    driver: 'Mercurius',
    adapter: () => new FastifyAdapter(),
    graphql: (fields?: string[]) =>
      GraphQLModule.forRoot<MercuriusDriverConfig>({
        driver: MercuriusDriver,
        autoSchemaFile: true,
        allowBatchedQueries: true,
        ...(fields && { fieldResolverEnhancers: fields as never }),
      }),
  },
];

describe.each(drivers)('GraphQL by $driver', ({ adapter, graphql }) => {
  let database: TestDatabase;
  let app: INestApplication;

  async function start(
    fields?: string[],
    resolvers: Function[] = [GroupResolver, MarkedResolver],
  ): Promise<INestApplication> {
    const module = await Test.createTestingModule({
      imports: [
        mikroOrmModule(database),
        SoftDeleteModule.forRoot(),
        SoftDeleteModule.forFeature([Person]),
        graphql(fields),
      ],
      providers: resolvers as never[],
    }).compile();
    const started = module.createNestApplication(adapter() as never, { logger: false });
    await started.listen(0, '127.0.0.1');
    return started;
  }

  interface GraphAnswer {
    data?: Record<string, any>;
    errors?: { message: string }[];
  }

  async function send<Sent>(body: object): Promise<Sent> {
    const answer = await fetch(`${await app.getUrl()}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as Sent;
  }

  const ask = (query: string, variables: object = {}) => send<GraphAnswer>({ query, variables });

  beforeAll(async () => {
    database = await createPeopleDatabase();
    app = await start(['interceptors']);
  });

  afterAll(async () => {
    await app?.close();
    await database.drop();
  });

  it('shows deleted rows in a marked query, and in no other of the same request', async () => {
    const { data } = await ask('{ before: active everybody after: active }');
    expect({ ...data }).toEqual({ before: ['Ada'], everybody: ['Ada', 'Bob'], after: ['Ada'] });
  });

  it('shows them when the argument asks for it', async () => {
    const { data } = await ask(
      '{ a: asked b: asked(withDeleted: true) c: asked(withDeleted: false) d: asked(withDeleted: null) }',
    );
    expect({ ...data }).toEqual({ a: ['Ada'], b: ['Ada', 'Bob'], c: ['Ada'], d: ['Ada'] });
  });

  it('reads the argument from variables and within fragments', async () => {
    const { data } = await ask(
      `query ($yes: Boolean, $no: Boolean, $not: Boolean) { ...Asked ... { c: asked(withDeleted: $not) } plain: active }
       fragment Asked on Query { a: asked(withDeleted: $yes) b: asked(withDeleted: $no) }`,
      { yes: true, no: false },
    );
    expect({ ...data }).toEqual({ a: ['Ada', 'Bob'], b: ['Ada'], c: ['Ada'], plain: ['Ada'] });
  });

  it('keeps the queries of one batch apart', async () => {
    const queries = ['{ active }', '{ everybody }', '{ asked(withDeleted: true) }', '{ active asked }'];
    const answers = await send<GraphAnswer[]>(queries.map((query) => ({ query })));
    expect(answers.map(({ data }) => ({ ...data }))).toEqual([
      { active: ['Ada'] },
      { everybody: ['Ada', 'Bob'] },
      { asked: ['Ada', 'Bob'] },
      { active: ['Ada'], asked: ['Ada'] },
    ]);
  });

  it('refuses what is neither true nor false', async () => {
    const { errors } = await ask('{ loose(withDeleted: "maybe") }');
    expect(errors?.map(({ message }) => message)).toEqual(['The argument withDeleted must be true or false.']);
  });

  it('gives the scope that an argument names', async () => {
    const { data } = await ask(
      '{ a: scoped b: scoped(deleted: "with") c: scoped(deleted: "only") d: scoped(deleted: null) }',
    );
    expect({ ...data }).toEqual({ a: ['Ada'], b: ['Ada', 'Bob'], c: ['Bob'], d: ['Ada'] });
    const { errors } = await ask('{ scoped(deleted: "all") }');
    expect(errors?.map(({ message }) => message)).toEqual(['The argument deleted must be active, with or only.']);
  });

  it('shows them in marked fields, where Nest runs interceptors for fields, and not in others', async () => {
    const { data } = await ask('{ group { members allMembers(withDeleted: true) without: allMembers } }');
    expect({ ...data!['group'] }).toEqual({ members: ['Ada'], allMembers: ['Ada', 'Bob'], without: ['Ada'] });
  });

  it('takes the decorator of a class for each of its queries without one', async () => {
    const { data } = await ask('{ a: first b: first(withDeleted: true) c: second }');
    expect({ ...data }).toEqual({ a: ['Ada'], b: ['Ada', 'Bob'], c: ['Ada', 'Bob'] });
  });

  it.each([
    { fields: undefined, warned: true },
    { fields: ['guards'], warned: true },
    { fields: ['guards', 'interceptors'], warned: false },
  ])('warns of fields without interceptors: $fields', async ({ fields, warned }) => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    try {
      const other = await start(fields);
      await other.close();
      const lines = warn.mock.calls.map(([line]) => String(line)).filter((line) => line.includes('@WithDeleted()'));
      expect(lines).toEqual(warned ? [expect.stringContaining('GroupResolver.allMembers')] : []);
    } finally {
      warn.mockRestore();
    }
  });

  it('refuses the name of a query parameter, which a resolver does not have', async () => {
    @Resolver()
    class Mistaken extends Names {
      @WithDeleted({ query: 'withDeleted' })
      @Query(() => [String])
      mistaken(): Promise<string[]> {
        return this.names();
      }
    }
    @WithDeleted({ query: 'withDeleted' })
    @Resolver()
    class AllMistaken extends Names {
      @Query(() => [String])
      mistaken(): Promise<string[]> {
        return this.names();
      }
    }
    await expect(start(undefined, [AllMistaken])).rejects.toMatchObject({ option: '@WithDeleted() on AllMistaken' });
    await expect(start(undefined, [Mistaken])).rejects.toThrow(
      new SoftDeleteConfigError(
        '@WithDeleted() on Mistaken.mistaken',
        'it names the query parameter withDeleted, and only HTTP requests have those.',
        "Write { arg: 'withDeleted' } for the argument of a resolver or the property of a message.",
      ),
    );
  });
});
