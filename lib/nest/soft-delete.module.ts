import { EntitySchema } from '@mikro-orm/core';
import { type DynamicModule, Global, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { AnyEntityName } from '../options/any-of-the-orm.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import type { SoftDeleteModuleOptions } from '../options/soft-delete-module-options.js';
import type { SoftDeleteModuleAsyncOptions } from './soft-delete.async-options.js';
import { SoftDeleteBootstrap } from './soft-delete.bootstrap.js';
import { SoftDeleteContexts } from './soft-delete.contexts.js';
import { getInstalledOrmToken } from './soft-delete.internal-tokens.js';
import { ConfigurableModuleClass } from './soft-delete.module-definition.js';
import { createContextProviders, createRepositoryProviders } from './soft-delete.providers.js';
import {
  getDeletionLogToken,
  getErasureServiceToken,
  getLegalHoldServiceToken,
  getPurgeServiceToken,
  getSoftDeleteDoctorToken,
  getSoftDeleteEventsToken,
} from './soft-delete.tokens.js';

/** What all ORMs of one application share: Nest makes one of it, however often it is imported. */
@Global()
@Module({
  imports: [DiscoveryModule],
  providers: [{ provide: SoftDeleteContexts, useFactory: () => new SoftDeleteContexts() }, SoftDeleteBootstrap],
  exports: [SoftDeleteContexts],
})
class SoftDeleteCoreModule {}

const ASYNC_WAYS = ['useFactory', 'useClass', 'useExisting'] as const;
const ASYNC_OTHERS = ['inject', 'imports', 'contextName', 'provideInjectionTokensFrom'] as const;

/**
 * Soft deletion in a NestJS application.
 *
 * ```ts
 * @Module({ imports: [MikroOrmModule.forRoot(config), SoftDeleteModule.forRoot({ purge: { cron: '0 3 * * *' } })] })
 * export class AppModule {}
 * ```
 *
 * @publicApi
 */
@Module({})
export class SoftDeleteModule extends ConfigurableModuleClass {
  /**
   * Installs soft deletion on the application's MikroORM instance and makes `PurgeService`, `SoftDeleteEvents`,
   * `SoftDeleteDoctor`, `DeletionLog`, `LegalHoldService` and `ErasureService` injectable everywhere. Import it once per ORM, in the root
   * module, beside `MikroOrmModule.forRoot()`.
   *
   * @throws SoftDeleteConfigError at start-up, if an option or a mark on an entity cannot work, or there is no such ORM
   * @throws PurgeScheduleError at start-up, if `purge.cron` is set and the application has no `ScheduleModule`
   */
  static override forRoot(options: SoftDeleteModuleOptions = {}): DynamicModule {
    return withContext(super.forRoot(options), options?.contextName);
  }

  /**
   * Like `forRoot()`, with options from other providers. Pass `contextName` beside the factory, not in its result.
   *
   * @throws SoftDeleteConfigError if it is not one of `useFactory`, `useClass` and `useExisting`
   */
  static override forRootAsync(options: SoftDeleteModuleAsyncOptions): DynamicModule {
    refuseUnknownOptions('SoftDeleteModule.forRootAsync()', options ?? {}, [...ASYNC_WAYS, ...ASYNC_OTHERS]);
    requireType('contextName', options?.contextName, 'string');
    const given = ASYNC_WAYS.filter((way) => options?.[way]);
    if (given.length !== 1) {
      throw new SoftDeleteConfigError(
        'SoftDeleteModule.forRootAsync()',
        given.length === 0 ? 'nothing says where the options come from.' : `${given.join(' and ')} are both given.`,
        'Write one of useFactory: () => ({ … }), useClass: SomeOptionsFactory or useExisting: SomeOptionsFactory.',
      );
    }
    return withContext(super.forRootAsync(options), options.contextName);
  }

  /**
   * Makes the repositories of entities injectable in the importing module with `@InjectSoftDeleteRepository()`. An entity with
   * a custom repository that extends `SoftDeleteRepository` gets that one.
   *
   * The entities must be known to the ORM: with `autoLoadEntities`, also import `MikroOrmModule.forFeature()` for them.
   *
   * @param contextName - the ORM, where the application has several
   * @throws NotSoftDeletableError at start-up, if an entity is not marked or unknown to the ORM
   */
  static forFeature(entities: readonly AnyEntityName[], contextName?: string): DynamicModule {
    requireEntities(entities);
    requireType('SoftDeleteModule.forFeature(), contextName', contextName, 'string');
    const providers = createRepositoryProviders(entities, contextName);
    return { module: SoftDeleteModule, providers, exports: providers };
  }
}

function withContext(definition: DynamicModule, contextName: string | undefined): DynamicModule {
  return {
    ...definition,
    global: true,
    imports: [...(definition.imports ?? []), SoftDeleteCoreModule],
    providers: [...(definition.providers ?? []), ...createContextProviders(contextName)],
    exports: [
      getInstalledOrmToken(contextName),
      getDeletionLogToken(contextName),
      getErasureServiceToken(contextName),
      getLegalHoldServiceToken(contextName),
      getPurgeServiceToken(contextName),
      getSoftDeleteEventsToken(contextName),
      getSoftDeleteDoctorToken(contextName),
    ],
  };
}

function requireEntities(entities: readonly unknown[]): void {
  const option = 'SoftDeleteModule.forFeature()';
  if (!Array.isArray(entities)) {
    throw new SoftDeleteConfigError(option, 'the entities are not a list.', 'Write forFeature([User, Post]).');
  }
  for (const [index, entity] of entities.entries()) {
    if (typeof entity !== 'function' && !(entity instanceof EntitySchema)) {
      throw new SoftDeleteConfigError(
        option,
        `item ${index} is ${typeof entity === 'object' ? JSON.stringify(entity) : String(entity)}, not an entity.`,
        'Write the class or the schema. An undefined item usually comes from a circular import: import one of the files by its own path.',
      );
    }
  }
}
