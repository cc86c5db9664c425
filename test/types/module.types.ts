import { defineEntity, EntitySchema, p } from '@mikro-orm/core';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { Controller, type DynamicModule, Get, Inject, Injectable } from '@nestjs/common';
import { expectTypeOf } from 'expect-type';
import {
  activeIndex,
  activeUnique,
  activeView,
  createPurge,
  DeletedScope,
  type Finding,
  getPurgeServiceToken,
  getSoftDeleteDoctorToken,
  getSoftDeleteRepositoryToken,
  InjectSoftDeleteRepository,
  installSoftDelete,
  OnPurge,
  type PurgeReport,
  type PurgeService,
  SOFT_DELETE_FILTER,
  SOFT_DELETE_PURGE_JOB,
  SoftDeletable,
  softDeletable,
  SoftDeleteDoctor,
  SoftDeleteError,
  type SoftDeleteEvent,
  SoftDeleteEvents,
  SoftDeleteModule,
  type SoftDeleteModuleOptions,
  type SoftDeleteOptionsFactory,
  SoftDeleteRepository,
  WithDeleted,
} from 'nestjs-mikro-orm-soft-delete';
import { backdateDeletions, countRows, type RowCount } from 'nestjs-mikro-orm-soft-delete/testing';
import { Author, Book } from './entities.js';

declare const orm: MikroORM;
declare const em: EntityManager;

export function theModuleTakesItsOptions(): void {
  expectTypeOf(SoftDeleteModule.forRoot()).toEqualTypeOf<DynamicModule>();
  SoftDeleteModule.forRoot({ contextName: 'crm', actor: () => undefined });
  SoftDeleteModule.forRoot({
    purge: {
      cron: '0 3 * * *',
      timeZone: 'UTC',
      retention: '90d',
      batchSize: 100,
      timeBudget: 60_000,
      lockTimeout: '1s',
    },
  });
  SoftDeleteModule.forRootAsync({
    useFactory: () => ({ purge: { retention: 'forever' as const } }),
    contextName: 'crm',
  });
  SoftDeleteModule.forRootAsync({ inject: ['A'], useFactory: async (cron: string) => ({ purge: { cron } }) });
  SoftDeleteModule.forRootAsync({ useClass: OptionsFactory });
  SoftDeleteModule.forFeature([Author, Book], 'crm');
  // @ts-expect-error: no such option
  SoftDeleteModule.forRoot({ cron: '0 3 * * *' });
  // @ts-expect-error: not a duration
  SoftDeleteModule.forRoot({ purge: { timeBudget: true } });
}

export class OptionsFactory implements SoftDeleteOptionsFactory {
  createSoftDeleteOptions(): SoftDeleteModuleOptions {
    return {};
  }
}

@Injectable()
export class AuthorRepository extends SoftDeleteRepository<Author> {
  async byEmail(email: string): Promise<Author | null> {
    return this.findOne({ email });
  }
}

@Controller('authors')
@WithDeleted()
export class AuthorsController {
  constructor(
    @InjectSoftDeleteRepository(Author) readonly authors: SoftDeleteRepository<Author>,
    @InjectSoftDeleteRepository(Book, 'crm') readonly books: SoftDeleteRepository<Book>,
    @Inject(getPurgeServiceToken('crm')) readonly purge: PurgeService,
    readonly events: SoftDeleteEvents,
    readonly doctor: SoftDeleteDoctor,
    @Inject(getSoftDeleteDoctorToken('crm')) readonly crmDoctor: SoftDeleteDoctor,
  ) {}

  @Get()
  @WithDeleted({ query: 'withDeleted', contextName: 'crm' })
  list(@DeletedScope('deleted') scope: DeletedScope) {
    expectTypeOf(scope).toEqualTypeOf<'active' | 'with' | 'only'>();
    return this.authors.scope(scope).findAll();
  }

  @OnPurge(Author, { fields: ['email'] })
  async forget(authors: Author[], { em }: { em: EntityManager }): Promise<void> {
    await em.nativeDelete(Book, { author: authors });
  }

  async examine(): Promise<void> {
    expectTypeOf(await this.doctor.examine()).toEqualTypeOf<Finding[]>();
  }

  listen(): void {
    this.events.stream$.subscribe((event) => {
      expectTypeOf(event).toEqualTypeOf<SoftDeleteEvent>();
      expectTypeOf(event.type).toEqualTypeOf<
        'deleted' | 'restored' | 'purged' | 'hard-deleted' | 'archived' | 'held' | 'released' | 'erased'
      >();
    });
  }
}

export function marksNameWhatTheEntityHas(): void {
  const schema = defineEntity({
    name: 'Page',
    properties: { id: p.integer().primary(), path: p.text(), deletedAt: p.datetime().nullable() },
  });
  expectTypeOf(softDeletable(schema, { retention: '12h' })).toEqualTypeOf(schema);
  expectTypeOf(activeUnique(schema, { properties: ['path'] })).toEqualTypeOf(schema);
  expectTypeOf(activeIndex(schema, { properties: ['path'] })).toEqualTypeOf(schema);
  // @ts-expect-error: is no schema
  softDeletable(Author);
  // @ts-expect-error: has no such property
  activeUnique(schema, { properties: ['slug'] });
  // @ts-expect-error: has no such relation
  SoftDeletable<Author>({ relations: { publisher: 'cascade' } });
  // @ts-expect-error: no such policy
  SoftDeletable<Author>({ relations: { books: 'forget' } });
  // @ts-expect-error: has no such property
  SoftDeletable<Author>({ property: 'removedAt' });
  expectTypeOf(activeView(Author, { name: 'authors_now' })).toEqualTypeOf<EntitySchema<Author>>();
}

export async function workersHaveNoNest(): Promise<void> {
  installSoftDelete(orm, { actor: () => 'worker' });
  const report = await createPurge(orm, { retention: '90d' }).run({
    dryRun: true,
    entities: [Author],
    olderThan: '1y',
  });
  expectTypeOf(report).toEqualTypeOf<PurgeReport>();
  expectTypeOf(report.outcome).toEqualTypeOf<
    'completed' | 'time-budget' | 'aborted' | 'row-limit' | 'throttled' | 'braked'
  >();
  await em.find(Author, {}, { filters: { [SOFT_DELETE_FILTER]: false } });
}

export async function testsHaveHelpers(): Promise<void> {
  expectTypeOf(await backdateDeletions(em, '31d')).toEqualTypeOf<number>();
  expectTypeOf(await countRows(em, Author)).toEqualTypeOf<RowCount>();
}

export function namesAreStable(error: unknown): void {
  expectTypeOf(SOFT_DELETE_FILTER).toExtend<string>();
  expectTypeOf(SOFT_DELETE_PURGE_JOB).toExtend<string>();
  expectTypeOf(getSoftDeleteRepositoryToken(Author, 'crm')).toEqualTypeOf<string>();
  if (error instanceof SoftDeleteError) {
    expectTypeOf(error.code).toEqualTypeOf<string>();
  }
}

/** Schemas that name each other can be marked where they are defined. */
export const House = activeUnique(
  softDeletable(
    defineEntity({
      name: 'House',
      properties: {
        id: p.integer().primary(),
        name: p.text(),
        deletedAt: p.datetime().nullable(),
        rooms: () => p.oneToMany(Room).mappedBy('house'),
      },
    }),
    { relations: { rooms: 'keep' } },
  ),
  { properties: 'name' },
);
export const Room = softDeletable(
  defineEntity({
    name: 'Room',
    properties: { id: p.integer().primary(), deletedAt: p.datetime().nullable(), house: () => p.manyToOne(House) },
  }),
);
