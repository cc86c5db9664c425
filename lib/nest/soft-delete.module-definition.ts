import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { SoftDeleteModuleOptions } from '../options/soft-delete-module-options.js';

/**
 * What `SoftDeleteModule` has from Nest: the provider of the options as they were given. The rest is added in the module.
 *
 * @internal
 */
export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<SoftDeleteModuleOptions>({ moduleName: 'SoftDelete' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createSoftDeleteOptions')
    .build();
