import type { EntityName } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';
import { type FactoryProvider, Logger, type Provider } from '@nestjs/common';
import { ModulesContainer, ModuleRef } from '@nestjs/core';
import type { AnyEntityName } from '../options/any-of-the-orm.js';
import { ErasureService } from '../compliance/erasure/erasure.service.js';
import { LegalHoldService } from '../compliance/hold/legal-hold.service.js';
import { DeletionLog } from '../compliance/record/deletion-log.js';
import { SoftDeleteDoctor } from '../doctor/soft-delete-doctor.js';
import { SoftDeleteNotInstalledError } from '../errors/not-installed.error.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { installSoftDelete } from '../install-soft-delete.js';
import { findInstallation, getInstallation } from '../installation/installation.js';
import { combineModuleOptions } from '../options/combine-module-options.js';
import { type ResolvedModuleOptions, resolveModuleOptions } from '../options/resolve-module-options.js';
import type { SoftDeleteModuleOptions } from '../options/soft-delete-module-options.js';
import { entitiesWithOtherRepositories } from '../repository/other-repositories.js';
import { SoftDeleteRepository } from '../repository/soft-delete.repository.js';
import { getErasureJobName } from '../schedule/erasure-job-name.js';
import { ErasureScheduler } from '../schedule/erasure.scheduler.js';
import { getPurgeJobName } from '../schedule/purge-job-name.js';
import { PurgeScheduler } from '../schedule/purge.scheduler.js';
import { SoftDeleteContexts } from './soft-delete.contexts.js';
import { GuardCheck } from './soft-delete.guard-check.js';
import {
  ERASURE_SCHEDULER,
  getInstalledOrmToken,
  getOrmToken,
  GUARD_CHECK,
  PURGE_SCHEDULER,
  RESOLVED_OPTIONS,
} from './soft-delete.internal-tokens.js';
import { MODULE_OPTIONS_TOKEN } from './soft-delete.module-definition.js';
import { ApplicationPurgeService } from './soft-delete.purge-service.js';
import {
  getDeletionLogToken,
  getErasureServiceToken,
  getLegalHoldServiceToken,
  getPurgeServiceToken,
  getSoftDeleteDoctorToken,
  getSoftDeleteEventsToken,
  getSoftDeleteRepositoryToken,
} from './soft-delete.tokens.js';

/**
 * What one `forRoot()` provides. Everything hangs on the installed ORM, so that soft deletion is in place before anything
 * that injects a part of it is created, and before the first hook of the application's life cycle.
 *
 * @internal
 */
export function createContextProviders(contextName: string | undefined): Provider[] {
  const installedOrm = getInstalledOrmToken(contextName);
  return [
    {
      provide: RESOLVED_OPTIONS,
      useFactory: (options: SoftDeleteModuleOptions, orm?: MikroORM) =>
        resolveContextOptions(options, contextName, orm && findInstallation(orm.em)?.configured),
      inject: [MODULE_OPTIONS_TOKEN, { token: getOrmToken(contextName), optional: true }],
    },
    {
      provide: installedOrm,
      useFactory: (
        options: ResolvedModuleOptions,
        contexts: SoftDeleteContexts,
        modules: ModulesContainer,
        orm?: MikroORM,
      ) => {
        if (!orm) {
          throw explainMissingOrm(contextName, modules);
        }
        installSoftDelete(orm, { actor: options.actor, log: options.log, erasure: options.erasure });
        contexts.add(contextName, orm, options.purge);
        warnOfOtherRepositories(orm);
        return orm;
      },
      inject: [
        RESOLVED_OPTIONS,
        SoftDeleteContexts,
        ModulesContainer,
        { token: getOrmToken(contextName), optional: true },
      ],
    },
    {
      provide: getSoftDeleteEventsToken(contextName),
      useFactory: (orm: MikroORM) => getInstallation(orm.em).events,
      inject: [installedOrm],
    },
    {
      provide: getDeletionLogToken(contextName),
      useFactory: (orm: MikroORM) => new DeletionLog(orm),
      inject: [installedOrm],
    },
    {
      provide: getLegalHoldServiceToken(contextName),
      useFactory: (orm: MikroORM) => new LegalHoldService(orm),
      inject: [installedOrm],
    },
    {
      provide: getErasureServiceToken(contextName),
      useFactory: (orm: MikroORM, { purge }: ResolvedModuleOptions) => new ErasureService(orm, {}, purge.schemas),
      inject: [installedOrm, RESOLVED_OPTIONS],
    },
    {
      provide: ERASURE_SCHEDULER,
      useFactory: (erasures: ErasureService, { erasure }: ResolvedModuleOptions, moduleRef: ModuleRef) => {
        const { cron, timeZone } = erasure;
        return (
          cron && new ErasureScheduler(erasures, { jobName: getErasureJobName(contextName), cron, timeZone }, moduleRef)
        );
      },
      inject: [getErasureServiceToken(contextName), RESOLVED_OPTIONS, ModuleRef],
    },
    {
      provide: getPurgeServiceToken(contextName),
      useFactory: (orm: MikroORM, { purge }: ResolvedModuleOptions) => new ApplicationPurgeService(orm, purge),
      inject: [installedOrm, RESOLVED_OPTIONS],
    },
    {
      provide: getSoftDeleteDoctorToken(contextName),
      useFactory: (orm: MikroORM, { purge: { retention } }: ResolvedModuleOptions) =>
        new SoftDeleteDoctor(orm, { retention }),
      inject: [installedOrm, RESOLVED_OPTIONS],
    },
    {
      provide: GUARD_CHECK,
      useFactory: (orm: MikroORM) => new GuardCheck(orm),
      inject: [installedOrm],
    },
    {
      provide: PURGE_SCHEDULER,
      useFactory: (purge: ApplicationPurgeService, options: ResolvedModuleOptions, moduleRef: ModuleRef) => {
        const { cron, timeZone } = options.purge;
        return cron && new PurgeScheduler(purge, { jobName: getPurgeJobName(contextName), cron, timeZone }, moduleRef);
      },
      inject: [getPurgeServiceToken(contextName), RESOLVED_OPTIONS, ModuleRef],
    },
  ];
}

function warnOfOtherRepositories(orm: MikroORM): void {
  const others = entitiesWithOtherRepositories(orm.em, getInstallation(orm.em).catalog);
  const entities = others.map(({ meta }) => meta.className);
  if (entities.length > 0) {
    new Logger('SoftDeleteModule').warn(
      `The repositories of ${entities.join(', ')} do not extend SoftDeleteRepository: they can neither restore nor show deleted rows. ` +
        'Let them extend SoftDeleteRepository.',
    );
  }
}

/**
 * The repositories that one `forFeature()` provides, each bound to the ORM's global entity manager, which hands every call on to
 * the one of the request.
 *
 * @internal
 */
export function createRepositoryProviders(
  entities: readonly AnyEntityName[],
  contextName: string | undefined,
): FactoryProvider[] {
  return entities.map((entity) => ({
    provide: getSoftDeleteRepositoryToken(entity, contextName),
    useFactory: (orm?: MikroORM) => {
      if (!orm) {
        throw new SoftDeleteNotInstalledError(contextName ?? 'default');
      }
      getInstallation(orm.em).catalog.getMarked(entity);
      const repository = orm.em.getRepository(entity as EntityName<object>) as object;
      return repository instanceof SoftDeleteRepository
        ? repository
        : new SoftDeleteRepository(orm.em, entity as EntityName<object>);
    },
    inject: [{ token: getInstalledOrmToken(contextName), optional: true }],
  }));
}

function resolveContextOptions(
  options: SoftDeleteModuleOptions | undefined,
  contextName: string | undefined,
  configured: SoftDeleteModuleOptions | undefined,
): ResolvedModuleOptions {
  const resolved = resolveModuleOptions(options);
  if (resolved.contextName !== undefined && resolved.contextName !== contextName) {
    throw new SoftDeleteConfigError(
      'contextName',
      `the options factory returned ${JSON.stringify(resolved.contextName)}, but injection tokens are made before it runs.`,
      `Write SoftDeleteModule.forRootAsync({ contextName: ${JSON.stringify(resolved.contextName)}, … }).`,
    );
  }
  return { ...(configured ? combineModuleOptions(configured, options ?? {}) : resolved), contextName };
}

function explainMissingOrm(contextName: string | undefined, modules: ModulesContainer): SoftDeleteConfigError {
  const token = getOrmToken(contextName);
  const isProvided = [...modules.values()].some(({ providers }) => providers.has(token as never));
  const name = contextName ? `MikroORM instance named "${contextName}"` : 'MikroORM instance';
  return new SoftDeleteConfigError(
    'SoftDeleteModule.forRoot()',
    isProvided
      ? `the ${name} did not start, or the module that provides it is not global.`
      : `the application has no ${contextName || namedOrms(modules).length === 0 ? name : 'MikroORM instance without a name'}.`,
    contextName
      ? `Import MikroOrmModule.forRoot({ contextName: '${contextName}', … }) from @mikro-orm/nestjs in the root module, or correct the \`contextName\`.`
      : adviseUnnamed(modules),
  );
}

/** Where all ORMs have names, one of these is meant. */
function adviseUnnamed(modules: ModulesContainer): string {
  const names = namedOrms(modules);
  return names.length === 0
    ? 'Import MikroOrmModule.forRoot({ … }) from @mikro-orm/nestjs in the root module, or pass the `contextName` of the ORM that is meant.'
    : `It has ${names.map((name) => `"${name}"`).join(' and ')}: write SoftDeleteModule.forRoot({ contextName: '${names[0]}', … }), once for each that soft-deletes.`;
}

function namedOrms(modules: ModulesContainer): string[] {
  const tokens = [...modules.values()].flatMap(({ providers }) => [...providers.keys()]);
  const names = tokens.flatMap((token) => (typeof token === 'string' && /^(.+)_MikroORM$/.exec(token)?.[1]) || []);
  return [...new Set(names)];
}
