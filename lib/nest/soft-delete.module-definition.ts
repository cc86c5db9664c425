import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { SoftDeleteModuleOptions } from '../options/soft-delete-module-options.js';

/**
 * What `SoftDeleteModule` has from Nest: the provider of the options as they were given. The rest is added in the module.
 * Published, because the module's type extends it.
 *
 * @publicApi
 */
export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<SoftDeleteModuleOptions>(
  { moduleName: 'SoftDelete' },
)
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createSoftDeleteOptions')
  .build();
