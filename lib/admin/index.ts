export type { AdminTexts } from './admin-texts.js';
export { SoftDeleteAdminModule } from './soft-delete-admin.module.js';
export type {
  AdminAction,
  AdminCredentials,
  AdminDynamicOptions,
  AdminEntityOptions,
  AdminStaticOptions,
  SoftDeleteAdminAsyncOptions,
  SoftDeleteAdminOptions,
  SoftDeleteAdminOptionsFactory,
} from './soft-delete-admin.options.js';
