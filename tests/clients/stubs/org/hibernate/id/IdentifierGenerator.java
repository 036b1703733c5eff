package org.hibernate.id;

import org.hibernate.engine.spi.SharedSessionContractImplementor;

/** See HibernateException. */
public interface IdentifierGenerator {
    Object generate(SharedSessionContractImplementor session, Object object);
}
