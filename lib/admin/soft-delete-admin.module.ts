import type { MikroORM } from '@mikro-orm/postgresql';
import { type DynamicModule, Logger, Module, type Provider } from '@nestjs/common';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import type { PurgeService } from '../purge/purge.service.js';
import { getInstalledOrmToken } from '../nest/soft-delete.internal-tokens.js';
import { getPurgeServiceToken } from '../nest/soft-delete.tokens.js';
import { AdminAccess } from './admin-access.js';
import { AdminCompliance } from './admin-compliance.js';
import { AdminOrm } from './admin-orm.js';
import { AdminReader } from './admin-reader.js';
import { AdminRequestGuard } from './api/admin-request.guard.js';
import { AdminWriter } from './admin-writer.js';
import { ADMIN_OPTIONS, ADMIN_STATIC_OPTIONS } from './admin.tokens.js';
import { createControllers } from './create-controllers.js';
import { PageAssets } from './page-assets.js';
import { requireAdminOptions, requireAsyncAdminOptions, requireProducedOptions } from './require-admin-options.js';
import type {
  AdminDynamicOptions,
  AdminStaticOptions,
  SoftDeleteAdminAsyncOptions,
  SoftDeleteAdminOptions,
  SoftDeleteAdminOptionsFactory,
} from './soft-delete-admin.options.js';

/**
 * A page for deleted rows, and the API that it uses: list, search, restore, remove for good, purge.
 *
 * ```ts
 * SoftDeleteAdminModule.forRoot({
 *   path: 'admin/deleted',
 *   guards: [AdminGuard],
 *   imports: [AuthModule], // what the guard needs injected
 * })
 * ```
 *
 * Import it beside `SoftDeleteModule.forRoot()`. The routes are those of Nest controllers, on Express and Fastify alike.
 *
 * @publicApi
 */
@Module({})
export class SoftDeleteAdminModule {
  /** @throws SoftDeleteConfigError if an option is unknown or cannot work, or no guard is given */
  static forRoot(options: SoftDeleteAdminOptions): DynamicModule {
    requireAdminOptions(options);
    return define(options, [{ provide: ADMIN_OPTIONS, useValue: options }]);
  }

  /**
   * The same with options that other providers give. What routes are made of stands beside the factory: `path`, `guards`, `imports`,
   * `credentials`, `ui` and `contextName`.
   *
   * @throws SoftDeleteConfigError if an option is unknown or cannot work, or no guard is given
   */
  static forRootAsync(options: SoftDeleteAdminAsyncOptions): DynamicModule {
    requireAsyncAdminOptions(options);
    return define(options, asyncProviders(options));
  }
}

function define(options: AdminStaticOptions, providers: Provider[]): DynamicModule {
  if (options.guards === 'none') {
    new Logger(SoftDeleteAdminModule.name).warn(
      `Everybody who reaches /${options.path.replace(/^\//, '')} may restore and remove deleted rows: no guard protects it.`,
    );
  }
  return {
    module: SoftDeleteAdminModule,
    imports: [...(options.imports ?? [])],
    controllers: createControllers(options),
    providers: [
      ...providers,
      { provide: ADMIN_STATIC_OPTIONS, useValue: options },
      {
        provide: AdminOrm,
        useFactory: (dynamic: AdminDynamicOptions, orm?: MikroORM, purge?: PurgeService) => {
          if (!orm || !purge) {
            throw explainMissingOrm(options.contextName);
          }
          return new AdminOrm(orm, purge, dynamic);
        },
        inject: [
          ADMIN_OPTIONS,
          { token: getInstalledOrmToken(options.contextName), optional: true },
          { token: getPurgeServiceToken(options.contextName), optional: true },
        ],
      },
      ...(options.ui === false ? [] : [{ provide: PageAssets, useFactory: () => new PageAssets() }]),
      AdminAccess,
      AdminCompliance,
      AdminReader,
      AdminWriter,
      AdminRequestGuard,
    ],
  };
}

function asyncProviders({ useFactory, inject, useClass, useExisting }: SoftDeleteAdminAsyncOptions): Provider[] {
  const checked = (options: AdminDynamicOptions) => {
    requireProducedOptions(options);
    return options;
  };
  if (useFactory) {
    return [
      {
        provide: ADMIN_OPTIONS,
        useFactory: async (...args: unknown[]) => checked(await useFactory(...args)),
        inject: inject ?? [],
      },
    ];
  }
  const factory = (useClass ?? useExisting)!;
  return [
    {
      provide: ADMIN_OPTIONS,
      useFactory: async (made: SoftDeleteAdminOptionsFactory) => checked(await made.createSoftDeleteAdminOptions()),
      inject: [factory],
    },
    ...(useClass ? [useClass] : []),
  ];
}

function explainMissingOrm(contextName: string | undefined): SoftDeleteConfigError {
  return new SoftDeleteConfigError(
    'SoftDeleteAdminModule',
    `the application has no SoftDeleteModule.forRoot()${contextName ? ` for the ORM "${contextName}"` : ''}.`,
    'Import it in the root module, and name the ORM with `contextName` where there are several.',
  );
}
