import type { ConfigurableModuleAsyncOptions } from '@nestjs/common';
import type { SoftDeleteModuleOptions } from '../options/soft-delete-module-options.js';

/**
 * What a class given to `SoftDeleteModule.forRootAsync()` as `useClass` or `useExisting` implements.
 *
 * @publicApi
 */
export interface SoftDeleteOptionsFactory {
  createSoftDeleteOptions(): SoftDeleteModuleOptions | Promise<SoftDeleteModuleOptions>;
}

/**
 * Options of `SoftDeleteModule.forRootAsync()`: one of `useFactory`, `useClass` and `useExisting`.
 *
 * @publicApi
 */
export type SoftDeleteModuleAsyncOptions = ConfigurableModuleAsyncOptions<
  SoftDeleteModuleOptions,
  'createSoftDeleteOptions'
> & {
  /**
   * Which MikroORM instance. It stands here and not in what the factory returns, because injection tokens carry it.
   *
   * @default the instance registered without a name
   */
  contextName?: string;
};
