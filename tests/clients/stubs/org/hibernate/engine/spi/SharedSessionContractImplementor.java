package org.hibernate.engine.spi;

/** See HibernateException. */
public interface SharedSessionContractImplementor {}
