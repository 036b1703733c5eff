package org.hibernate;

/** What the snippet for Hibernate needs of it, so that it can be compiled without. */
public class HibernateException extends RuntimeException {
    public HibernateException(String message, Throwable cause) {
        super(message, cause);
    }
}
