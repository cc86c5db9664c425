import type { Check } from '../examination.js';

/** Repositories of the application in which soft deletion is missing. @internal */
export const checkRepositories: Check = ({ otherRepositories }) =>
  otherRepositories.map(({ meta: { className }, repository }) => ({
    code: 'other-repository',
    severity: 'warning',
    entity: className,
    problem: `${repository}, the repository of ${className}, does not extend SoftDeleteRepository: what @InjectRepository(${className}) and em.getRepository(${className}) give can neither restore nor show deleted rows.`,
    fix: `class ${repository} extends SoftDeleteRepository<${className}>, imported from nestjs-mikro-orm-soft-delete.`,
  }));
